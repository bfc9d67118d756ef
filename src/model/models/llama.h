// What the relatives of llama take from it.
#pragma once

#include <initializer_list>

#include "model/models/decoder.h"

namespace kinglet::models {

/// A decoder's settings whose files pair neighbours in a head.
DecoderConfig read_llama_config(const ConfigReader& read);

/// The names that folders of most decoders share, those of q and k with rows that files have in another order; then the
/// family's own.
std::vector<format::TensorRule> llama_rules(std::initializer_list<format::TensorRule> more = {});

}  // namespace kinglet::models
