#include "core/base/str.h"

#include <array>
#include <charconv>

namespace kinglet {
namespace {

template <class T>
void append_number(std::string& out, T part) {
  std::array<char, 40> text;
  const auto [end, status] = std::to_chars(text.data(), text.data() + text.size(), part);
  out.append(text.data(), end);
}

}  // namespace

void append_part(std::string& out, std::string_view part) { out.append(part); }
void append_part(std::string& out, char part) { out.push_back(part); }
void append_part(std::string& out, double part) { append_number(out, part); }
void append_signed(std::string& out, long long part) { append_number(out, part); }
void append_unsigned(std::string& out, unsigned long long part) { append_number(out, part); }

}  // namespace kinglet
