// What an answer cost, for people: Ollama's labels.
#pragma once

#include "run/engine/generation.h"

namespace kinglet::cli {

/// Writes to standard error. Times in milliseconds.
void show_timings(const engine::Usage& usage, double load_ms, double total_ms);

}  // namespace kinglet::cli
