#include "core/kernels/select.h"

#include <array>

#include "core/base/base.h"
#include "core/kernels/scalar/product_table.h"
#if defined(__x86_64__)
#include "core/kernels/avx2/product_table.h"
#include "core/kernels/avx2/real_table.h"
#include "core/kernels/avx2/weight_encoders.h"
#include "core/kernels/avx512/product_table.h"
#include "core/kernels/avx512/real_table.h"
#include "core/kernels/avx512/weight_encoders.h"
#include "core/kernels/avx512vnni/product_table.h"
#endif

namespace kinglet::kernels {
namespace {

constexpr std::array<std::string_view, 4> kIsaNames = {"scalar", "avx2", "avx512", "neon"};

bool has(const CpuFeatures& features, Isa isa) noexcept {
  switch (isa) {
    case Isa::kScalar:
      return true;
    case Isa::kAvx2:
      return features.avx2;
    case Isa::kAvx512:
      return features.avx512;
    case Isa::kNeon:
      return features.neon;
  }
  return false;
}

KernelTable scalar_table() noexcept {
  KernelTable table;
  table.name = "scalar";
  fill_scalar_products(table);
  for (const quant::Format& format : quant::formats()) table.encode_weights[quant::index_of(format)] = format.encode;
  table.real = scalar_real_kernels<float>();
  return table;
}

}  // namespace

CpuFeatures detect() noexcept {
  CpuFeatures features;
#if defined(__x86_64__)
  // The compiler's test asks the operating system (XGETBV) about the wide registers as well.
  __builtin_cpu_init();
  features.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  features.avx512 = features.avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                    __builtin_cpu_supports("avx512cd");
  features.avx512_vnni = features.avx512 && __builtin_cpu_supports("avx512vnni");
  features.avx512_vbmi = features.avx512 && __builtin_cpu_supports("avx512vbmi");
  features.avx512_bf16 = features.avx512 && __builtin_cpu_supports("avx512bf16");
#endif
#if defined(KINGLET_SIMDE)
  // The emulated instructions are those of AVX2.
  features.avx512 = features.avx512_vnni = features.avx2;
#endif
  return features;
}

std::string to_string(const CpuFeatures& features) {
  std::string words;
  const auto say = [&](bool present, std::string_view word) {
    if (present) words += str(words.empty() ? "" : " ", word);
  };
  say(features.avx2, "avx2");
  say(features.avx512, "avx512");
  say(features.avx512_vnni, "vnni");
  say(features.avx512_vbmi, "vbmi");
  say(features.avx512_bf16, "bf16");
  say(features.neon, "neon");
  say(features.neon_i8mm, "i8mm");
  return words.empty() ? "none" : words;
}

std::optional<KernelTable> select(const CpuFeatures& features, std::optional<Isa> isa) noexcept {
  Isa chosen = Isa::kScalar;
  for (const Isa candidate : {Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
    if (has(features, candidate)) chosen = candidate;
  }
  if (isa) {
    if (!has(features, *isa)) return std::nullopt;
    chosen = *isa;
  }
  KernelTable table = scalar_table();
  table.isa = chosen;
#if defined(__x86_64__)
  if (chosen == Isa::kAvx2 || chosen == Isa::kAvx512) {
    table.name = "avx2";
    fill_avx2_products(table);
    fill_avx2_real(table.real);
    fill_avx2_weight_encoders(table);
  }
  if (chosen == Isa::kAvx512) {
    table.name = "avx512";
    fill_avx512_products(table);
    fill_avx512_real(table.real);
    fill_avx512_weight_encoders(table);
    if (features.avx512_vnni) {
      table.name = "avx512+vnni";
      fill_avx512vnni_products(table);
    }
  }
#endif
  return table;
}

std::optional<Isa> parse_isa(std::string_view word) noexcept {
  for (size_t i = 0; i < kIsaNames.size(); ++i) {
    if (kIsaNames[i] == word) return static_cast<Isa>(i);
  }
  return std::nullopt;
}

std::string_view name_of(Isa isa) noexcept { return kIsaNames[static_cast<size_t>(isa)]; }

}  // namespace kinglet::kernels
