// What the relatives of llama take from it.
#pragma once

#include <initializer_list>

#include "model/models/decoder.h"

namespace kinglet::models {

/// A decoder's settings whose files pair neighbours in a head.
DecoderConfig read_llama_config(const ConfigReader& read);

/// decoder_rules; rows of q and k are in another order in files.
std::vector<format::TensorRule> llama_rules(std::initializer_list<format::TensorRule> more = {});

}  // namespace kinglet::models
