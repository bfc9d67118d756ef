// What the relatives of Gemma 3 take from it.
#pragma once

#include "model/models/gemma.h"

namespace kinglet::models {

DecoderConfig read_gemma3_config(const ConfigReader& read);
/// A second rope, without scaling, for the layers that have a window.
void read_local_rope(const ConfigReader& read, DecoderConfig& config);
void declare_gemma3_tensors(const DecoderConfig& config, TensorTable& table);
Blocks gemma3_blocks();

void fill_gemma3(format::HfKeys& keys);
/// rope.freq_base_swa, in either spelling of config.json.
void fill_local_rope(format::HfKeys& keys);
std::vector<format::TensorRule> gemma3_rules();

}  // namespace kinglet::models
