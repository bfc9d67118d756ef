#include "model/format/hf_tekken.h"

#include <algorithm>
#include <array>

#include "core/base/base.h"
#include "home/system/base64.h"
#include "model/format/file_json.h"
#include "model/format/hf_pre_tokenizers.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

using system::Json;
using system::JsonArray;

// Of a token: each of its letters is a place where two others may meet.
constexpr size_t kMaxTokenBytes = 512;
constexpr size_t kBytes = 256;

// Of files that list none.
constexpr std::array<std::string_view, 20> kUsualSpecial = {"<unk>",
                                                            "<s>",
                                                            "</s>",
                                                            "[INST]",
                                                            "[/INST]",
                                                            "[AVAILABLE_TOOLS]",
                                                            "[/AVAILABLE_TOOLS]",
                                                            "[TOOL_RESULTS]",
                                                            "[/TOOL_RESULTS]",
                                                            "[TOOL_CALLS]",
                                                            "[IMG]",
                                                            "<pad>",
                                                            "[IMG_BREAK]",
                                                            "[IMG_END]",
                                                            "[PREFIX]",
                                                            "[MIDDLE]",
                                                            "[SUFFIX]",
                                                            "[SYSTEM_PROMPT]",
                                                            "[/SYSTEM_PROMPT]",
                                                            "[TOOL_CONTENT]"};

// GPT-2 spells each byte as a printable character: itself where it is one, else the next one from U+0100 on.
const std::array<std::string, kBytes>& byte_spellings() {
  static const auto kSpellings = [] {
    std::array<std::string, kBytes> all;
    uint32_t next = 0x100;
    for (uint32_t byte = 0; byte < kBytes; ++byte) {
      const bool is_printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      const uint32_t spelled = is_printable ? byte : next++;
      if (spelled >= 0x80) all[byte].push_back(static_cast<char>(0xC0U | spelled >> 6U));
      all[byte].push_back(static_cast<char>(spelled >= 0x80 ? 0x80U | (spelled & 0x3FU) : spelled));
    }
    return all;
  }();
  return kSpellings;
}

std::string spelled(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += byte_spellings()[static_cast<uint8_t>(byte)];
  return text;
}

class Reader {
 public:
  Reader(const Json& root, const std::string& name, uint64_t limit) : root_(root), name_(name), limit_(limit) {}

  HfVocabulary run() {
    made_.model = "gpt2";
    const Json& config = root_.at("config");
    const uint64_t n = count(config, "default_vocab_size");
    const uint64_t n_special = count(config, "default_num_special_tokens");
    if (n > limit_ || n_special > n || n - n_special < kBytes) {
      fail_with(ErrorCode::kInvalidFile, name_, ": config: a vocabulary of ", n, " tokens, of which ", n_special,
                " are special; at most ", limit_, " and at least ", kBytes, " more than the special ones are possible");
    }
    read_special(n_special);
    read_ranked(n - n_special, n_special);
    add_merges();
    NamedCuts named = name_cuts({config.at("pattern").as_string("config.pattern")}, true);
    made_.pre = named.name;
    made_.patterns = std::move(named.patterns);
    made_.whole_words_first = true;
    if (!made_.patterns.empty()) made_.normalizers.emplace();
    for (const auto& [role, text] :
         {std::pair("bos", "<s>"), std::pair("eos", "</s>"), std::pair("unk", "<unk>"), std::pair("pad", "<pad>")}) {
      if (const auto id = made_.find(text)) made_.special[role] = *id;
    }
    made_.add_bos = true;
    made_.add_eos = false;
    return std::move(made_);
  }

 private:
  static uint64_t count(const Json& json, std::string_view key) {
    const int64_t value = json.at(key).as_integer(key);
    if (value < 0) fail_with(ErrorCode::kInvalidArgument, key, ": is ", value, ", expected a count");
    return static_cast<uint64_t>(value);
  }

  void read_special(uint64_t n) {
    const std::string where = name_ + ": special_tokens";
    const auto put = [&](uint64_t id, std::string text) {
      made_.put(id, {std::move(text), 0.0F, HfTokenType::kControl}, n, where);
    };
    const Json* listed = root_.find("special_tokens");
    if (listed != nullptr && !listed->is_null()) {
      for (const Json& token : listed->as_array("special_tokens"))
        put(count(token, "rank"), token.at("token_str").as_string("special_tokens.token_str"));
    } else {
      for (size_t id = 0; id < kUsualSpecial.size(); ++id) put(id, std::string(kUsualSpecial[id]));
    }
    for (uint64_t id = 0; id < n; ++id) {
      const bool is_free =
          id >= made_.tokens.size() || made_.tokens[static_cast<size_t>(id)].type == HfTokenType::kUnused;
      if (is_free) put(id, str("<SPECIAL_", id, '>'));
    }
  }

  // Files have more tokens than the vocabulary; the first ones count.
  void read_ranked(uint64_t n, uint64_t first_id) {
    const JsonArray& vocab = root_.at("vocab").as_array("vocab");
    if (vocab.size() < n)
      fail_with(ErrorCode::kInvalidFile, name_, ": vocab: has ", vocab.size(), " tokens, config asks for ", n);
    ranked_.reserve(static_cast<size_t>(n));
    for (size_t rank = 0; rank < n; ++rank) {
      const std::string where = str(name_, ": vocab[", rank, ']');
      if (count(vocab[rank], "rank") != rank)
        fail_with(ErrorCode::kInvalidFile, where, ": has rank ", count(vocab[rank], "rank"));
      std::string bytes = system::decoded_base64(vocab[rank].at("token_bytes").as_string("token_bytes"), where);
      if (bytes.empty() || bytes.size() > kMaxTokenBytes || (bytes.size() == 1) != (rank < kBytes)) {
        fail_with(ErrorCode::kInvalidFile, where, ": has ", bytes.size(), " bytes, expected ",
                  rank < kBytes ? str("1") : str("2 to ", kMaxTokenBytes));
      }
      made_.put(first_id + rank, {spelled(bytes), 0.0F, HfTokenType::kNormal}, limit_, where);
      ranked_.push_back(std::move(bytes));
    }
    for (size_t rank = 0; rank < ranked_.size(); ++rank) by_bytes_.emplace_back(ranked_[rank], rank);
    std::ranges::sort(by_bytes_);
    const auto twin = std::ranges::adjacent_find(by_bytes_, {}, [](const auto& entry) { return entry.first; });
    if (twin != by_bytes_.end()) {
      fail_with(ErrorCode::kInvalidFile, name_, ": vocab[", (twin + 1)->second, "]: is the same as vocab[",
                twin->second, ']');
    }
  }

  [[nodiscard]] std::optional<size_t> rank_of(std::string_view bytes) const {
    const auto found = std::ranges::lower_bound(by_bytes_, bytes, {}, [](const auto& entry) { return entry.first; });
    return found == by_bytes_.end() || found->first != bytes ? std::nullopt : std::optional(found->second);
  }

  void add_merges() {
    for (size_t rank = kBytes; rank < ranked_.size(); ++rank) {
      const std::string_view whole = ranked_[rank];
      std::vector<std::pair<size_t, size_t>> pairs;
      for (size_t cut = 1; cut < whole.size(); ++cut) {
        const auto left = rank_of(whole.substr(0, cut));
        const auto right = left ? rank_of(whole.substr(cut)) : std::nullopt;
        if (right) pairs.emplace_back(*left, *right);
      }
      if (pairs.empty()) {
        fail_with(ErrorCode::kInvalidFile, name_, ": vocab[", rank, "]: ", printable(whole),
                  " is not made of two other tokens");
      }
      std::ranges::sort(pairs);
      for (const auto& [left, right] : pairs)
        made_.merges.push_back(str(spelled(ranked_[left]), ' ', spelled(ranked_[right])));
    }
  }

  const Json& root_;
  const std::string& name_;
  const uint64_t limit_;
  HfVocabulary made_;
  std::vector<std::string> ranked_;
  std::vector<std::pair<std::string_view, size_t>> by_bytes_;  // sorted, with ranks
};

}  // namespace

HfVocabulary read_tekken(const Json& root, const std::string& name, uint64_t limit) {
  return reading_json(name, [&] { return Reader(root, name, limit).run(); });
}

}  // namespace kinglet::format
