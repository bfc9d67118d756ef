// Facade of learn/eval: how good a model is.
//
// perplexity.h: how well it predicts a text. Thread rules: functions run on the caller's thread and lend its pool.
#pragma once

#include "learn/eval/perplexity.h"
