#include "model/format/hf_post_processors.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/base/base.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

using system::Json;
using system::JsonArray;

// Special tokens around a text and between two.
class Posting {
 public:
  explicit Posting(HfVocabulary& made) : made_(made) {}

  void read(const std::vector<Component>& parts) {
    constexpr std::array<std::string_view, 5> kKnown = {"BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence",
                                                        "TemplateProcessing"};
    for (const Component& part : parts) {
      if (part.type() == "ByteLevel") {
        if (!made_.add_bos) made_.add_bos = false;
        if (!made_.add_eos) made_.add_eos = false;
      } else if (part.type() == "TemplateProcessing") {
        read_template(part);
      } else if (part.type() == "BertProcessing" || part.type() == "RobertaProcessing") {
        read_pair(part);
      } else {
        part.refuse_type(kKnown);
      }
    }
  }

 private:
  // cls and sep: ["[SEP]", 102].
  void read_pair(const Component& part) {
    for (const std::string_view key : {"cls", "sep"}) {
      const JsonArray& pair = part.at(key).as_array(str(part.where(), '.', key));
      if (pair.size() != 2)
        fail_with(ErrorCode::kInvalidFile, part.where(), '.', key, ": has ", pair.size(), " entries, expected 2");
      name(key, pair[0].as_string(part.where()), part);
    }
    made_.add_bos = made_.add_eos = true;
    made_.add_sep = part.type() == "RobertaProcessing";
    name("bos", text_of("cls"), part);
    name("eos", text_of("sep"), part);
  }

  void read_template(const Component& part) {
    const std::vector<std::string> single = pieces(part, "single");
    const auto text = std::ranges::find(single, std::string());
    if (text == single.end()) fail_with(ErrorCode::kInvalidFile, part.where(), ".single: has no sequence");
    if (std::ranges::count(single, std::string()) != 1 || text - single.begin() > 1 || single.end() - text > 2)
      part.refuse("with more than one token before or behind a text is not supported");
    made_.add_bos = text != single.begin();
    made_.add_eos = text + 1 != single.end();
    if (*made_.add_bos) name("bos", single.front(), part);
    if (*made_.add_eos) name("eos", single.back(), part);
    if (part.find("pair") == nullptr) return;
    const std::vector<std::string> pair = pieces(part, "pair");
    const auto first = std::ranges::find(pair, std::string());
    const auto second = std::find(first == pair.end() ? first : first + 1, pair.end(), std::string());
    if (second == pair.end()) return;
    // Between the texts stands the end of the first, and maybe one more.
    made_.add_sep = second - first - 1 > (*made_.add_eos ? 1 : 0);
  }

  // Spellings of special tokens; an empty one for a sequence.
  static std::vector<std::string> pieces(const Component& part, std::string_view key) {
    const std::string where = str(part.where(), '.', key);
    std::vector<std::string> all;
    for (const Json& piece : part.at(key).as_array(where)) {
      const Json* token = piece.find("SpecialToken");
      all.push_back(token == nullptr ? std::string() : token->at("id").as_string(where));
      if (token == nullptr && piece.find("Sequence") == nullptr)
        fail_with(ErrorCode::kInvalidFile, where, ": a piece is neither Sequence nor SpecialToken");
    }
    return all;
  }

  void name(std::string_view role, const std::string& text, const Component& part) {
    const auto id = made_.find(text);
    if (!id)
      fail_with(ErrorCode::kInvalidFile, part.where(), ": its token ", printable(text), " is not in the vocabulary");
    made_.special[std::string(role)] = *id;
    texts_[std::string(role)] = text;
  }
  [[nodiscard]] const std::string& text_of(std::string_view role) const { return texts_.at(std::string(role)); }

  HfVocabulary& made_;
  std::map<std::string, std::string> texts_;
};

}  // namespace

void read_post_processors(const std::vector<Component>& parts, HfVocabulary& made) { Posting(made).read(parts); }

}  // namespace kinglet::format
