// Which table this machine gets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/kernels/kernels.h"

namespace kinglet::kernels {

/// What the CPU and the operating system offer, read once by detect().
struct CpuFeatures {
  bool avx2 = false;    ///< AVX2, FMA and F16C.
  bool avx512 = false;  ///< F, BW, DQ, VL, CD.
  bool avx512_vnni = false;
  bool avx512_bf16 = false;
  bool avx512_vbmi = false;
  bool avx_vnni = false;
  bool neon = false;  ///< With dot product.
  bool neon_i8mm = false;
};

CpuFeatures detect() noexcept;

/// The features in words: "avx2 avx512 vnni bf16".
std::string to_string(const CpuFeatures& features);

/// The widest table that the features allow. With `isa`, that one; nullopt where the features lack it.
std::optional<KernelTable> select(const CpuFeatures& features, std::optional<Isa> isa = std::nullopt) noexcept;

/// "scalar", "avx2", "avx512", "neon"; nullopt for another word.
std::optional<Isa> parse_isa(std::string_view word) noexcept;
std::string_view name_of(Isa isa) noexcept;

}  // namespace kinglet::kernels
