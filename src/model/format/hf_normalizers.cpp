#include "model/format/hf_normalizers.h"

#include <array>

#include "core/base/base.h"
#include "home/system/base64.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

constexpr std::array<std::string_view, 12> kNormalizers = {
    "BertNormalizer", "Lowercase", "NFC",     "NFD",      "NFKC",  "NFKD",
    "Precompiled",    "Prepend",   "Replace", "Sequence", "Strip", "StripAccents"};

void read_replace(const Component& part, Normalizing& all) {
  const auto [looked, is_pattern] = part.looked_for();
  const std::string& content = part.word("content");
  const bool is_spaces = looked == " {2,}" && is_pattern;
  if (looked == " " && content == kSpaceMark) {
    all.marks_spaces = true;
  } else if (is_spaces && (content == " " || content == kSpaceMark)) {
    all.joins_spaces = true;
  } else {
    part.refuse(str("of ", printable(looked), " by ", printable(content),
                    " is not supported; supported: of spaces by U+2581, of several spaces by one"));
  }
}

}  // namespace

Normalizing read_normalizers(const std::vector<Component>& parts) {
  Normalizing all;
  for (const Component& part : parts) {
    const std::string& type = part.type();
    if (type == "NFC" || type == "NFD" || type == "NFKC" || type == "NFKD" || type == "Lowercase") {
      std::string form = type;
      for (char& c : form) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      all.forms.push_back(form);
    } else if (type == "StripAccents") {
      all.forms.emplace_back("strip_accents");
    } else if (type == "Strip") {
      if (!part.truth_or("strip_left", true) && !part.truth_or("strip_right", true)) continue;
      all.strips = true;
    } else if (type == "Prepend") {
      if (part.word("prepend") != kSpaceMark) part.refuse("of anything but U+2581 is not supported");
      all.prepends_mark = true;
    } else if (type == "Replace") {
      read_replace(part, all);
    } else if (type == "BertNormalizer") {
      all.bert = &part;
    } else if (type == "Precompiled") {
      all.charsmap = system::decoded_base64(part.word("precompiled_charsmap"), part.where());
    } else {
      part.refuse_type(kNormalizers);
    }
  }
  return all;
}

}  // namespace kinglet::format
