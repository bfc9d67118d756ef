#include "front/cli/input_files.h"

#include <algorithm>
#include <utility>

#include "front/cli/arguments.h"
#include "front/cli/terminal.h"
#include "home/system/file.h"
#include "model/text/utf8.h"

namespace kinglet::cli {

std::string read_input(const std::string& path) {
  return path == "-" ? read_standard_input(kMaxInputBytes) : system::read_file(path, kMaxInputBytes);
}

void require_utf8(std::string_view text, std::string_view what) {
  const size_t bad = text::find_invalid_utf8(text);
  if (bad == std::string_view::npos) return;
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<uint8_t>(text[bad]);
  fail_with(ErrorCode::kInvalidArgument, what, ": is not UTF-8: byte ", bad, " is 0x", kDigits[byte >> 4U],
            kDigits[byte & 15U], "; iconv converts other encodings");
}

std::vector<int32_t> parse_ids(std::string_view text, std::string_view what) {
  constexpr std::string_view kBetween = " ,\t\r\n";
  std::vector<int32_t> ids;
  for (size_t at = text.find_first_not_of(kBetween); at < text.size(); at = text.find_first_not_of(kBetween, at)) {
    const size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    const uint64_t id = parse_count(what, text.substr(at, end - at));
    if (!std::in_range<int32_t>(id)) fail_with(ErrorCode::kInvalidArgument, what, ": ", id, " is no token id");
    ids.push_back(static_cast<int32_t>(id));
    at = end;
  }
  return ids;
}

std::vector<int32_t> ids_of(const system::Json& json, std::string_view what) {
  std::vector<int32_t> ids;
  for (const system::Json& element : json.as_array(what)) {
    const int64_t id = element.as_integer(what);
    if (!std::in_range<int32_t>(id)) fail_with(ErrorCode::kInvalidArgument, what, ": ", id, " is no token id");
    ids.push_back(static_cast<int32_t>(id));
  }
  return ids;
}

std::vector<std::vector<int32_t>> id_lists_of(const system::Json& json, std::string_view what) {
  std::vector<std::vector<int32_t>> lists;
  for (const system::Json& element : json.as_array(what))
    lists.push_back(ids_of(element, str(what, ": list ", lists.size())));
  return lists;
}

}  // namespace kinglet::cli
