#include "front/cli/generation_options.h"

#include "core/base/base.h"

namespace kinglet::cli {

void GenerationOptions::declare(Arguments& arguments) {
  arguments.option("--temperature", "X", temperature, "How freely tokens are chosen; 0 takes the likeliest always");
  arguments.option("--top-k", "N", top_k, "Choose among the N likeliest tokens; 0: all");
  arguments.option("--top-p", "X", top_p, "Choose among the likeliest tokens that have this probability together");
  arguments.option("--min-p", "X", min_p, "Leave out tokens below this share of the likeliest one's probability");
  arguments.option("--repeat-penalty", "X", repeat_penalty, "Make tokens that were there less likely; 1: off");
  arguments.option("--seed", "N", seed, "The same seed gives the same answer (default: another one each time)");
  arguments.option("--max-tokens", "N", max_tokens, "Most tokens of an answer (default: as many as the context holds)");
  arguments.option("--stop", "TEXT", stop, "End the answer before this text");
  arguments.option("--context", "N", context,
                   "Tokens that prompt and answer have room in (default 4096, at most what the model was trained for)");
}

void GenerationOptions::apply(chat::Settings& settings) const {
  const auto set = [&](std::string_view name, const auto& value) {
    if (value) settings.set(name, system::Json(*value));
  };
  set("temperature", temperature);
  set("top_k", top_k);
  set("top_p", top_p);
  set("min_p", min_p);
  set("repeat_penalty", repeat_penalty);
  set("seed", seed);
  if (max_tokens) settings.max_tokens = *max_tokens;
  if (context) {
    if (*context == 0) fail(ErrorCode::kInvalidArgument, "--context: 0 tokens hold nothing");
    settings.context_len = *context;
  }
  if (!stop.empty()) settings.stop = stop;
}

}  // namespace kinglet::cli
