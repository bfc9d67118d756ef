// How Python's str is cut into pieces: split, rsplit, splitlines, partition, rpartition.
#include <algorithm>

#include "model/text/jinja/letters.h"
#include "model/text/jinja/operators.h"
#include "model/text/jinja/string_pieces.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

// Pieces of a text, each charged for itself.
class Pieces {
 public:
  explicit Pieces(const Call& call) : call_(call) {}
  void add(std::string_view piece) {
    list_.push_back(call_.evaluator.text(std::string(piece), call_.input.is_markup()));
  }
  [[nodiscard]] int64_t size() const { return std::ssize(list_); }
  Value take(Kind kind = Kind::kList) { return call_.evaluator.list(std::move(list_), kind); }
  Value take_reversed() {
    std::ranges::reverse(list_);
    return take();
  }

 private:
  const Call& call_;
  List list_;
};

// Words between blanks; the rest stays whole after `limit` cuts (negative: none).
Value split_blanks(const Call& call, std::string_view text, int64_t limit) {
  Pieces pieces(call);
  size_t i = 0;
  for (;;) {
    while (const size_t n = blank_at(text, i)) i += n;
    if (i >= text.size()) break;
    if (pieces.size() == limit) {
      pieces.add(text.substr(i));
      break;
    }
    const size_t begin = i;
    while (i < text.size() && blank_at(text, i) == 0) i += code_point_at(text, i).length;
    pieces.add(text.substr(begin, i - begin));
  }
  return pieces.take();
}

// As split_blanks, cutting from the end.
Value rsplit_blanks(const Call& call, std::string_view text, int64_t limit) {
  Pieces pieces(call);
  for (text = stripped(text, "", false, true); !text.empty(); text = stripped(text, "", false, true)) {
    if (pieces.size() == limit) {
      pieces.add(text);
      break;
    }
    size_t begin = text.size();
    while (begin > 0) {
      // Back by one character.
      size_t at = begin - 1;
      while (at > 0 && begin - at < 4 && (static_cast<uint8_t>(text[at]) & 0xC0U) == 0x80U) --at;
      if (code_point_at(text, at).length != begin - at) at = begin - 1;
      if (blank_at(text, at) > 0) break;
      begin = at;
    }
    pieces.add(text.substr(begin));
    text = text.substr(0, begin);
  }
  return pieces.take_reversed();
}

const std::string& separator(const Call& call, size_t i) {
  const std::string& text = call.string(i);
  if (text.empty()) call.evaluator.refuse("empty separator");
  charge_search(call.evaluator.meter(), call.input.string().size(), text.size());
  return text;
}

// The end of the line that begins at `begin`, without its break, and where the next line begins.
std::pair<size_t, size_t> line_end(std::string_view text, size_t begin) {
  for (size_t i = begin; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    const uint32_t c = point.value;
    const bool is_break =
        (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
    const size_t next = i + point.length;
    if (is_break) return {i, c == '\r' && next < text.size() && text[next] == '\n' ? next + 1 : next};
    i = next;
  }
  return {text.size(), text.size()};
}

template <bool kLast>
Value partitioned(const Call& call) {
  const std::string_view text = call.input.string();
  const std::string& between = separator(call, 0);
  const size_t at = kLast ? text.rfind(between) : text.find(between);
  Pieces pieces(call);
  if (at != std::string_view::npos) {
    pieces.add(text.substr(0, at));
    pieces.add(between);
    pieces.add(text.substr(at + between.size()));
  } else {
    pieces.add(kLast ? "" : text);
    pieces.add("");
    pieces.add(kLast ? text : "");
  }
  return pieces.take(Kind::kTuple);
}

}  // namespace

Value split(const Call& call) {
  const int64_t limit = call.integer(1, -1);
  if (!call.has(0)) return split_blanks(call, call.input.string(), limit);
  const std::string& between = separator(call, 0);
  Pieces pieces(call);
  size_t begin = 0;
  while (limit < 0 || pieces.size() < limit) {
    const size_t at = call.input.string().find(between, begin);
    if (at == std::string::npos) break;
    pieces.add(std::string_view(call.input.string()).substr(begin, at - begin));
    begin = at + between.size();
  }
  pieces.add(std::string_view(call.input.string()).substr(begin));
  return pieces.take();
}

Value rsplit(const Call& call) {
  const int64_t limit = call.integer(1, -1);
  if (!call.has(0)) return rsplit_blanks(call, call.input.string(), limit);
  const std::string& between = separator(call, 0);
  std::string_view text = call.input.string();
  Pieces pieces(call);
  while (limit < 0 || pieces.size() < limit) {
    const size_t at = text.rfind(between);
    if (at == std::string_view::npos) break;
    pieces.add(text.substr(at + between.size()));
    text = text.substr(0, at);
  }
  pieces.add(text);
  return pieces.take_reversed();
}

Value splitlines(const Call& call) {
  const bool keeps_ends = call.truth(0, false);
  const std::string_view text = call.input.string();
  Pieces pieces(call);
  for (size_t begin = 0; begin < text.size();) {
    const auto [end, next] = line_end(text, begin);
    pieces.add(text.substr(begin, (keeps_ends ? next : end) - begin));
    begin = next;
  }
  return pieces.take();
}

Value partition(const Call& call) { return partitioned<false>(call); }
Value rpartition(const Call& call) { return partitioned<true>(call); }

}  // namespace kinglet::text::jinja
