#include "front/cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "front/cli/terminal.h"
#include "home/system/file.h"

namespace kinglet::cli {
namespace {

constexpr size_t kPiece = 1 << 16;

}  // namespace

std::string without_controls(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    // U+0080 to U+009F are controls too; in UTF-8 they are 0xC2 and one byte.
    const bool is_wide = byte == 0xC2 && i + 1 < text.size() && static_cast<uint8_t>(text[i + 1]) < 0xA0;
    if (is_wide || byte == 0x7F || (byte < 0x20 && byte != '\n' && byte != '\t')) {
      out += kReplacement;
      i += is_wide ? 1 : 0;
    } else {
      out += text[i];
    }
  }
  return out;
}

Output::Output(int fd) : fd_(fd), is_terminal_(is_terminal(fd)) {}

void Output::write(std::string_view text) {
  if (is_terminal_) {
    held_ += without_controls(text);
  } else {
    held_ += text;
  }
  if (held_.size() >= kPiece) flush();
}

void Output::flush() {
  std::string_view rest = held_;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error_number = errno;
      held_.clear();  // nothing more can be said here
      if (error_number == EPIPE) throw OutputClosed();
      system::fail_write("standard output", error_number);
    }
    rest.remove_prefix(static_cast<size_t>(n));
  }
  held_.clear();
}

}  // namespace kinglet::cli
