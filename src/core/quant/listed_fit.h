// Scales for codes that stand for the numbers of a list: value = scale * list[code]. What the encoders of IQ4_NL,
// IQ4_XS, MXFP4 and NVFP4 search with. Lists have 16 numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kinglet::quant {

/// What squared errors weigh: 1 each, or with an importance matrix what block_weights gives. n values.
void fill_fit_weights(const float* x, const float* importance, size_t n, float* weights) noexcept;

/// The best codes for a scale, and their weighted squared error. `codes` may be null.
double listed_codes(const float* x, const float* weights, size_t n, const int8_t* list, float scale,
                    uint8_t* codes) noexcept;

/// The scale of the least weighted squared error among several starts, each improved by least squares. `list` is in
/// ascending order and begins with the number of largest magnitude; the scale may be negative.
float fit_listed_scale(const float* x, const float* weights, size_t n, const int8_t* list) noexcept;

/// Two codes a byte, as blocks of 2 n elements have them: the first n in the low halves.
void pack_halves(const uint8_t* codes, size_t n, uint8_t* bytes) noexcept;

}  // namespace kinglet::quant
