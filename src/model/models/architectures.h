// One function a family, each in its own file; registry.cpp lists them.
#pragma once

#include "model/models/architecture.h"

namespace kinglet::models {

Architecture gemma();
Architecture gemma2();
Architecture gemma3();
Architecture gemma3n();
Architecture gemma4();
Architecture gpt2();
Architecture granite();
Architecture granite_hybrid();
Architecture lfm2();
Architecture llama();
Architecture mixtral();
Architecture qwen2_moe();
Architecture qwen3_moe();
Architecture gpt_oss();
Architecture deepseek_v2();
Architecture mistral();
Architecture mistral3();
Architecture olmo2();
Architecture phi2();
Architecture phi3();
Architecture qwen2();
Architecture qwen3();
Architecture qwen35();
Architecture smollm3();

}  // namespace kinglet::models
