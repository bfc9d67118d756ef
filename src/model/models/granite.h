// What the generations of Granite share.
#pragma once

#include "model/models/llama.h"

namespace kinglet::models {

/// Factors of embeddings, branches, scores and logits (which are divided).
DecoderConfig read_granite_config(const ConfigReader& read);
void fill_granite_scales(format::HfKeys& keys);

}  // namespace kinglet::models
