// Options of commands that generate text.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "front/cli/arguments.h"
#include "run/chat/settings.h"

namespace kinglet::cli {

/// What the user says about choosing tokens: laid over the model's own settings.
struct GenerationOptions {
  std::optional<double> temperature;
  std::optional<uint64_t> top_k;
  std::optional<double> top_p;
  std::optional<double> min_p;
  std::optional<double> repeat_penalty;
  std::optional<uint64_t> seed;
  std::optional<uint64_t> max_tokens;
  std::optional<uint64_t> context;
  std::vector<std::string> stop;

  void declare(Arguments& arguments);
  /// Throws Error{kInvalidArgument} that names the option.
  void apply(chat::Settings& settings) const;
};

}  // namespace kinglet::cli
