#include "model/format/hf_cutting.h"

#include <array>

#include "core/base/base.h"
#include "model/format/hf_pre_tokenizers.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

using system::Json;

constexpr std::array<std::string_view, 8> kPreTokenizers = {
    "BertPreTokenizer", "ByteLevel", "Digits", "Metaspace", "Punctuation", "Sequence", "Split", "WhitespaceSplit"};

std::string escaped(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (std::string_view(R"(\^$.|?*+()[]{})").find(c) != std::string_view::npos) pattern.push_back('\\');
    pattern.push_back(c);
  }
  return pattern;
}

void read_split(const Component& part, Cutting& all) {
  const std::string& behavior = part.word("behavior");
  const bool is_inverted = part.truth_or("invert", false);
  const auto [looked, is_pattern] = part.looked_for();
  // Spaces are marked by then, so this finds none.
  if (!is_pattern && looked == " " && behavior == "MergedWithPrevious") return;
  const bool keeps_all = (behavior == "Isolated" && !is_inverted) || (behavior == "Removed" && is_inverted);
  if (!keeps_all) {
    part.refuse(str("with behavior ", printable(behavior), is_inverted ? ", inverted," : "",
                    " is not supported; supported: Isolated, and Removed where it is inverted"));
  }
  all.cuts.push_back(is_pattern ? looked : escaped(looked));
}

void read_metaspace(const Component& part, Cutting& all) {
  const Json* mark = part.find("replacement");
  if (mark != nullptr && mark->as_string(part.where()) != kSpaceMark)
    part.refuse("with another sign than U+2581 is not supported");
  const std::string scheme =
      part.word_or("prepend_scheme", part.truth_or("add_prefix_space", true) ? "always" : "never");
  all.add_prefix_space = scheme != "never";
  all.has_metaspace = true;
}

}  // namespace

Cutting read_pre_tokenizers(const std::vector<Component>& parts) {
  Cutting all;
  for (const Component& part : parts) {
    const std::string& type = part.type();
    if (type == "ByteLevel") {
      all.has_bytes = true;
      all.add_prefix_space = part.truth_or("add_prefix_space", true);
      if (part.truth_or("use_regex", true)) all.cuts.emplace_back(kGpt2Cut);
    } else if (type == "Split") {
      read_split(part, all);
    } else if (type == "Digits") {
      all.cuts.emplace_back(part.truth_or("individual_digits", false) ? kEachNumber : kNumberRun);
    } else if (type == "Punctuation") {
      const std::string behavior = part.word_or("behavior", "Isolated");
      if (behavior != "Isolated" && behavior != "Contiguous")
        part.refuse(str("with behavior ", printable(behavior), " is not supported; supported: Isolated, Contiguous"));
      all.cuts.emplace_back(behavior == "Isolated" ? kPunctuation : kPunctuationRun);
    } else if (type == "Metaspace") {
      read_metaspace(part, all);
    } else if (type == "BertPreTokenizer") {
      all.has_bert = true;
    } else if (type == "WhitespaceSplit") {
      all.splits_spaces = true;
    } else {
      part.refuse_type(kPreTokenizers);
    }
  }
  return all;
}

}  // namespace kinglet::format
