// What stands on the hidden states of an encoder: pooling and classifiers.
#pragma once

#include "model/models/decoder.h"

namespace kinglet::models {

/// pooling_type, or `fallback`; rows of layers behind it; and whether the file has a classifier, with how many labels,
/// over what.
void read_heads(const ConfigReader& read, DecoderConfig& config, Pooling fallback = Pooling::kMean);
/// cls and cls.output, as llama.cpp names them, where the file has them.
void declare_classifier_tensors(const DecoderConfig& config, TensorTable& table);

/// dense_2 and dense_3, which pooled vectors go through, where the file has them.
void declare_dense_tensors(const DecoderConfig& config, TensorTable& table);
ir::Value dense_layers(Context& c, ir::Value x_SD);

/// hidden [T, D] -> [S, D]: by kMean, kCls (the first row) or kLast; kNone and kRank mean the first row.
ir::Value pool_rows(Context& c, ir::Value hidden_TD, Pooling pooling);
/// tanh(cls(x)) where there is cls, then cls.output.
ir::Value tanh_classifier(Context& c, ir::Value x_ND);

}  // namespace kinglet::models
