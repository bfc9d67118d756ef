// Facade of core/quant: the block formats of weights and activations.
//
// Format (format.h) is the descriptor row that everything else reads; formats() lists them; Weight (weight.h) is a view
// of a tensor in one of them; encoded.h is how activations lie in memory for quantized products.
// Adding a format: one file pair and one row in formats.cpp. No `switch` on formats anywhere else.
// Thread rules: everything is constant data and pure functions.
#pragma once

#include "core/quant/encoded.h"
#include "core/quant/format.h"
#include "core/quant/weight.h"
