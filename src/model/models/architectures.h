// One function a family, each in its own file; registry.cpp lists them.
#pragma once

#include "model/models/architecture.h"

namespace kinglet::models {

Architecture bert();
Architecture bert_classifier();
Architecture deepseek_v2();
Architecture embeddinggemma();
Architecture gemma();
Architecture gemma2();
Architecture gemma3();
Architecture gemma3n();
Architecture gemma4();
Architecture gpt2();
Architecture gpt_oss();
Architecture granite();
Architecture granite_moe();
Architecture granite_hybrid();
Architecture lfm2();
Architecture llama();
Architecture mistral();
Architecture mistral3();
Architecture mixtral();
Architecture modernbert();
Architecture nomic_bert();
Architecture olmo2();
Architecture olmoe();
Architecture phi2();
Architecture phi3();
Architecture qwen2();
Architecture qwen2_moe();
Architecture qwen3();
Architecture qwen3_classifier();
Architecture qwen3_reranker();
Architecture qwen35();
Architecture qwen35_moe();
Architecture qwen3_moe();
Architecture roberta();
Architecture smollm3();

}  // namespace kinglet::models
