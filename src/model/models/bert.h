// What RoBERTa takes from BERT, whose files have the same name.
#pragma once

#include "model/models/encoder.h"

namespace kinglet::models {

/// The architecture of files named bert, with a folder of its own.
Architecture bert_like(std::string_view family, format::HfFamily folder);
/// Names of all tensors but the positions and the pooler.
std::vector<format::TensorRule> bert_rules(std::initializer_list<format::TensorRule> more = {});

}  // namespace kinglet::models
