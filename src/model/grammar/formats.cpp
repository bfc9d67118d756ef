#include "model/grammar/formats.h"

#include <array>
#include <map>
#include <memory>
#include <mutex>

#include "core/base/str.h"

namespace kinglet::grammar {
namespace {

// Sources: RFC 3339 (dates and times, leap seconds in UTC alone), RFC 3339 appendix A
// (duration), RFC 5321 (email), RFC 1123 (hostname), RFC 2673 and 4291 (addresses), RFC 4122
// (uuid), RFC 3986 (uri), RFC 6570 (uri-template), RFC 6901 (json-pointer).
constexpr std::string_view kDate =
    R"((?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|[02468][048]00|[13579][26]00)-02-29)"
    R"(|\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))))";
constexpr std::string_view kTime =
    R"((?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)|23:59:60(?:\.\d+)?[Zz]))";
constexpr std::string_view kDuration =
    R"(P(?:\d+W|(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)(?:T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S))?)"
    R"(|T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)))";
constexpr std::string_view kByte = R"((?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))";
constexpr std::string_view kUuid = R"([0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})";
constexpr std::string_view kPointer = R"((?:/(?:[^~/]|~[01])*)*)";
constexpr std::string_view kRelativePointer = R"((?:0|[1-9]\d*)(?:#|(?:/(?:[^~/]|~[01])*)*))";

std::string ipv4() { return str(kByte, R"(\.)", kByte, R"(\.)", kByte, R"(\.)", kByte); }

// At most 253 characters in all: three labels of any length, or eight of up to 30. Labels of coded other scripts, which
// begin with xn--, are left out: whether they stand for a name takes tables that are not here.
std::string hostname() {
  const std::string_view first = "(?![xX][nN]--)[A-Za-z0-9]";
  const std::string label = str(first, "(?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?");
  const std::string brief = str(first, "(?:[A-Za-z0-9-]{0,28}[A-Za-z0-9])?");
  std::string all;
  for (int n = 1; n <= 3; ++n) {
    all += n == 1 ? "" : "|";
    for (int i = 0; i < n; ++i) all += str(i == 0 ? "" : "\\.", label);
  }
  for (int n = 4; n <= 8; ++n) {
    all += "|";
    for (int i = 0; i < n; ++i) all += str(i == 0 ? "" : "\\.", brief);
  }
  return str("(?:", all, ")");
}

std::string ipv6() {
  const std::string group = "[0-9A-Fa-f]{1,4}";
  const std::string last = str("(?:", group, ":", group, "|", ipv4(), ")");
  std::string all = str("(?:", group, ":){6}", last);
  // "::" stands for one or more groups: n before it, at most the rest behind.
  for (int n = 0; n <= 7; ++n) {
    const std::string before = n == 0 ? "" : str(group, "(?::", group, "){", n - 1, "}");
    const int rest = 7 - n;
    std::string behind = rest > 0 ? str("(?:", group, "(?::", group, "){0,", rest - 1, "})?") : "";
    all += str("|", before, "::", behind);
    if (rest >= 2) all += str("|", before, "::(?:", group, ":){0,", rest - 2, "}", ipv4());
  }
  return str("(?:", all, ")");
}

std::string email() {
  const std::string_view atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
  const std::string_view quoted = R"("(?:[\x20\x21\x23-\x5B\x5D-\x7E]|\\[\x20-\x7E])*")";
  const std::string_view label = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
  return str("(?:", atom, "(?:\\.", atom, ")*|", quoted, ")@(?:", label, "(?:\\.", label, ")*|\\[(?:", ipv4(),
             "|IPv6:", ipv6(), ")\\])");
}

std::string uri(bool needs_scheme) {
  const std::string escaped = "%[0-9A-Fa-f]{2}";
  const std::string character = str("(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|", escaped, ")");
  const std::string query = str("(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|", escaped, ")*");
  const std::string user = str("(?:[A-Za-z0-9._~!$&'()*+,;=:-]|", escaped, ")*@");
  const std::string name = str("(?:[A-Za-z0-9._~!$&'()*+,;=-]|", escaped, ")*");
  const std::string authority =
      str("//(?:", user, ")?(?:\\[", ipv6(), "\\]|", name, ")(?::\\d*)?(?:/", character, "*)*");
  const std::string rootless = str(character, "+(?:/", character, "*)*");
  const std::string absolute = str("/(?:", rootless, ")?");
  const std::string tail = str("(?:\\?", query, ")?(?:#", query, ")?");
  const std::string full = str("[A-Za-z][A-Za-z0-9+.-]*:(?:", authority, "|", absolute, "|", rootless, ")?", tail);
  if (needs_scheme) return full;
  const std::string no_colon = str("(?:[A-Za-z0-9._~!$&'()*+,;=@-]|", escaped, ")+(?:/", character, "*)*");
  return str("(?:", full, "|(?:", authority, "|", absolute, "|", no_colon, ")?", tail, ")");
}

// RFC 6570.
std::string uri_template() {
  const std::string escaped = "%[0-9A-Fa-f]{2}";
  const std::string name = str("(?:[A-Za-z0-9_]|", escaped, ")(?:\\.?(?:[A-Za-z0-9_]|", escaped, "))*");
  const std::string variable = str(name, "(?::[1-9]\\d{0,3}|\\*)?");
  const std::string expression = str("\\{[+#./;?&=,!@|]?", variable, "(?:,", variable, ")*\\}");
  return str("(?:[^\\x00-\\x20\\x7F\"%<>\\\\^`{|}]|", escaped, "|", expression, ")*");
}

std::string pattern_of(std::string_view format) {
  if (format == "date") return std::string(kDate);
  if (format == "time") return std::string(kTime);
  if (format == "date-time") return str(kDate, "[Tt]", kTime);
  if (format == "duration") return std::string(kDuration);
  if (format == "email") return email();
  if (format == "hostname") return hostname();
  if (format == "ipv4") return ipv4();
  if (format == "ipv6") return ipv6();
  if (format == "uuid") return std::string(kUuid);
  if (format == "uri") return uri(true);
  if (format == "uri-reference") return uri(false);
  if (format == "uri-template") return uri_template();
  if (format == "json-pointer") return std::string(kPointer);
  if (format == "relative-json-pointer") return std::string(kRelativePointer);
  return {};
}

// Made when first asked for.
class FormatSets {
 public:
  const Dfa* find(std::string_view format, Spelling spelling) {
    const std::string pattern = pattern_of(format);
    if (pattern.empty()) return nullptr;
    const std::lock_guard lock(mutex_);
    auto& set = sets_[{std::string(format), spelling}];
    if (set == nullptr) set = std::make_unique<const Dfa>(texts_matching(pattern, spelling, true));
    return set.get();
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, Spelling>, std::unique_ptr<const Dfa>> sets_;
};

}  // namespace

const Dfa* texts_of_format(std::string_view format, Spelling spelling) {
  static FormatSets sets;
  return sets.find(format, spelling);
}

}  // namespace kinglet::grammar
