// Facade of learn/eval: how good a model is.
//
// perplexity.h: how well it predicts a text; activation_sums.h: what its matrices read. Thread rules: functions run on
// the caller's thread and lend its pool.
#pragma once

#include "learn/eval/activation_sums.h"
#include "learn/eval/perplexity.h"
