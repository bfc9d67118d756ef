// config.json of a Hugging Face folder, in the older and the newer spelling.
//
// The older one has rope_theta and rope_scaling beside each other, the newer one (transformers 5) rope_parameters with
// both; a key with the value null counts as absent. Source: transformers, configuration_utils.py and
// modeling_rope_utils.py.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
};

/// What yarn multiplies queries and keys with at a stretch of `factor`: grows with its logarithm.
double yarn_magnitude(double factor, double weight = 1.0);

/// A JSON object of settings. Errors are Error{kInvalidFile} "NAME: KEY: ...".
class HfConfig {
 public:
  /// `name` of the file, for messages. Throws Error{kInvalidFile} where the text is no JSON object.
  static HfConfig parse(std::string_view text, std::string name);

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
  /// The first name under "architectures".
  [[nodiscard]] std::string class_name() const;
  [[nodiscard]] HfRope rope() const;

  /// Raises Error{kUnsupported} "NAME: KEY is WHAT, which is not supported".
  [[noreturn]] void refuse_setting(std::string_view key, std::string_view what) const;

 private:
  HfConfig(system::Json root, std::string name) : root_(std::move(root)), name_(std::move(name)) {}

  system::Json root_;
  std::string name_;
};

}  // namespace kinglet::format
