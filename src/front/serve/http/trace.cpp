#include "front/serve/http/trace.h"

namespace kinglet::serve::http {
namespace {

bool is_hex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }
bool is_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

std::string trace_id_of(std::string_view traceparent) {
  // VERSION-TRACE-PARENT-FLAGS; later versions may add more behind another "-".
  constexpr size_t kBytes = 55;
  if (traceparent.size() < kBytes) return "";
  const std::string_view version = traceparent.substr(0, 2);
  const std::string_view trace = traceparent.substr(3, 32);
  const std::string_view parent = traceparent.substr(36, 16);
  const std::string_view flags = traceparent.substr(53, 2);
  const bool has_dashes = traceparent[2] == '-' && traceparent[35] == '-' && traceparent[52] == '-';
  const bool ends = traceparent.size() == kBytes || (version != "00" && traceparent[kBytes] == '-');
  const bool is_sound = has_dashes && ends && version != "ff" && is_hex(version) && is_hex(trace) && is_hex(parent) &&
                        is_hex(flags) && !is_zero(trace) && !is_zero(parent);
  return is_sound ? std::string(trace) : "";
}

}  // namespace kinglet::serve::http
