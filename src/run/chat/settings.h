// How answers are chosen and when they end, under the names that people know from Ollama's Modelfile.
//
// Values come in layers, later ones win: the defaults here, what the model file recommends (general.sampling.*), the
// parameters that a stored model has, and what the user says.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "home/system/json.h"
#include "model/format/metadata.h"
#include "run/engine/sampling.h"

namespace kinglet::chat {

struct Settings {
  /// The field's usual defaults (those of Ollama), not the engine's plain ones.
  Settings();

  engine::SamplingParams sampling;      ///< All but the seed, which is drawn where none is set.
  std::optional<uint64_t> seed;         ///< Empty: another one for each answer.
  std::optional<uint64_t> max_tokens;   ///< Empty: as many as the context holds.
  std::optional<uint64_t> context_len;  ///< Empty: kDefaultContext, or what the model was trained for if that is less.
  std::vector<std::string> stop;        ///< Strings that end an answer; spellings of control tokens work too.

  static constexpr uint64_t kDefaultContext = 4096;

  /// Takes what a model file recommends.
  void take(const format::Metadata& metadata);
  /// Takes an object of parameters, e.g. {"temperature": 0.7, "stop": ["###"]}. Gives the names of those that are not
  /// known: the caller says so.
  std::vector<std::string> take(const system::Json& parameters);
  /// Sets one by its name. Throws Error{kInvalidArgument} for a name that is not known or a value that does not fit.
  void set(std::string_view name, const system::Json& value);
  /// The same from text as a user types it.
  void set_text(std::string_view name, std::string_view text);
  /// The value that a Modelfile's PARAMETER of this name has; of one that only concerns other runners (num_gpu, ...) as
  /// well. Throws as set.
  static system::Json value_of(std::string_view name, std::string_view text);

  /// Those that differ from the defaults, as an object.
  [[nodiscard]] system::Json changed() const;
};

/// A parameter: its name and what it does.
struct SettingRow {
  std::string_view name;
  std::string_view help;
};
std::span<const SettingRow> setting_rows();

}  // namespace kinglet::chat
