#include "front/cli/timings.h"

#include <cstdio>
#include <string>

#include "core/base/base.h"
#include "front/cli/terminal.h"

namespace kinglet::cli {
namespace {

// As Go prints durations: "1.234s", "56.7ms".
std::string duration(double ms) {
  char text[32];
  if (ms < 1000) {
    std::snprintf(text, sizeof(text), "%.3fms", ms);
  } else if (ms < 60'000) {
    std::snprintf(text, sizeof(text), "%.3fs", ms / 1000);
  } else {
    const auto minutes = static_cast<unsigned long long>(ms / 60'000);
    std::snprintf(text, sizeof(text), "%llum%.3fs", minutes, ms / 1000 - 60.0 * static_cast<double>(minutes));
  }
  return text;
}

std::string rate(size_t n_tokens, double ms) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f tokens/s", ms > 0 ? static_cast<double>(n_tokens) * 1000 / ms : 0.0);
  return text;
}

}  // namespace

void show_timings(const engine::Usage& usage, double load_ms, double total_ms) {
  const size_t n_prompt = usage.prompt_tokens - usage.cached_tokens;
  std::string text = str(
      "\ntotal duration:       ", duration(total_ms), "\nload duration:        ", duration(load_ms),
      "\nprompt eval count:    ", n_prompt, " token(s)", "\nprompt eval duration: ", duration(usage.prompt_ms),
      "\nprompt eval rate:     ", rate(n_prompt, usage.prompt_ms), "\neval count:           ", usage.completion_tokens,
      " token(s)", "\neval duration:        ", duration(usage.decode_ms),
      "\neval rate:            ", rate(usage.completion_tokens, usage.decode_ms), '\n');
  write_to_stderr(text);
}

}  // namespace kinglet::cli
