// config.json of a Hugging Face folder, in the older and the newer spelling.
//
// The older one has rope_theta and rope_scaling beside each other, the newer one (transformers 5) rope_parameters with
// both; a key with the value null counts as absent. Source: transformers, configuration_utils.py and
// modeling_rope_utils.py.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/base.h"
#include "home/system/json.h"

namespace kinglet::format {

/// Settings of rotary embedding, whatever their spelling. `type` is "default", "linear", "dynamic", "yarn", "llama3",
/// ...
struct HfRope {
  double base = 10000.0;
  std::string type = "default";
  double factor = 1.0;
  std::optional<uint64_t> original_context_len;
  std::optional<double> attention_factor;  ///< yarn's whole magnitude, as it says itself or by its two mscales.
  std::optional<double> beta_fast;
  std::optional<double> beta_slow;
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  bool truncate = true;
  double partial = 1.0;              ///< Share of a head that turns.
  std::vector<float> short_factors;  ///< longrope: divisors of each pair's frequency,
  std::vector<float> long_factors;   ///< and those of sequences over the original context.
  std::vector<uint32_t> sections;    ///< Pairs that turn by time, height and width of an image, then 0s: four, or none.
  std::optional<double> mscale_all_dim;
  std::optional<double> llama4_beta;  ///< Queries grow with the logarithm of their position.
};

/// What yarn multiplies queries and keys with at a stretch of `factor`: grows with its logarithm.
double yarn_magnitude(double factor, double weight = 1.0);

/// A JSON object of settings; those of the language model where a checkpoint has more than one part (text_config).
/// Errors are Error{kInvalidFile} "NAME: KEY: ...".
class HfConfig {
 public:
  /// `name` of the file, for messages. Throws Error{kInvalidFile} where the text is no JSON object.
  static HfConfig parse(std::string_view text, std::string name);
  HfConfig(HfConfig&&) = default;
  HfConfig& operator=(HfConfig&&) = default;
  HfConfig(const HfConfig&) = delete;
  HfConfig& operator=(const HfConfig&) = delete;
  ~HfConfig() = default;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Null where the key is absent or null.
  [[nodiscard]] const system::Json* find(std::string_view key) const noexcept;
  [[nodiscard]] bool has(std::string_view key) const noexcept { return root_.find(key) != nullptr; }

  [[nodiscard]] uint64_t count(std::string_view key) const;
  [[nodiscard]] uint64_t count_or(std::string_view key, uint64_t fallback) const;
  [[nodiscard]] std::optional<uint64_t> find_count(std::string_view key) const;
  [[nodiscard]] double number_or(std::string_view key, double fallback) const;
  [[nodiscard]] bool truth_or(std::string_view key, bool fallback) const;
  [[nodiscard]] std::string word_or(std::string_view key, std::string_view fallback) const;
  /// A token id or a list of them; empty where the key is absent.
  [[nodiscard]] std::vector<uint32_t> ids(std::string_view key) const;
  /// A list; empty where the key is absent.
  [[nodiscard]] std::vector<std::string> words(std::string_view key) const;
  [[nodiscard]] std::vector<double> numbers(std::string_view key) const;
  [[nodiscard]] std::vector<uint64_t> counts(std::string_view key) const;
  /// As counts; empty too where the key has one count instead of a list.
  [[nodiscard]] std::vector<uint64_t> list_of_counts(std::string_view key) const;
  /// A count two objects deep: KEY.MEMBER.NAME.
  [[nodiscard]] std::optional<uint64_t> find_count_in(std::string_view key, std::string_view member,
                                                      std::string_view name) const;
  /// The first name under "architectures".
  [[nodiscard]] std::string class_name() const;
  /// Rotary settings; of layers of one type ("full_attention", "sliding_attention") where they are told apart.
  [[nodiscard]] HfRope rope(std::string_view layer_type = "full_attention") const;

  /// Raises Error{kUnsupported} "NAME: KEY is WHAT, which is not supported; supported: ...".
  [[noreturn]] void refuse_setting(std::string_view key, std::string_view what,
                                   std::span<const std::string_view> known = {}) const;

 private:
  HfConfig(system::Json root, std::string name);

  system::Json root_;
  std::string name_;
  const system::Json* text_ = nullptr;  // text_config of the root
};

}  // namespace kinglet::format
