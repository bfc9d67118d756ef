// The list of all formats. A new one: its file pair and a row here.
#include <algorithm>
#include <array>

#include "core/quant/format.h"
#include "core/quant/iq1_m.h"
#include "core/quant/iq1_s.h"
#include "core/quant/iq2_s.h"
#include "core/quant/iq2_xs.h"
#include "core/quant/iq2_xxs.h"
#include "core/quant/iq3_s.h"
#include "core/quant/iq3_xxs.h"
#include "core/quant/iq4_nl.h"
#include "core/quant/iq4_xs.h"
#include "core/quant/mxfp4.h"
#include "core/quant/nvfp4.h"
#include "core/quant/plain.h"
#include "core/quant/q2_k.h"
#include "core/quant/q3_k.h"
#include "core/quant/q4_0.h"
#include "core/quant/q4_1.h"
#include "core/quant/q4_k.h"
#include "core/quant/q5_0.h"
#include "core/quant/q5_1.h"
#include "core/quant/q5_k.h"
#include "core/quant/q6_k.h"
#include "core/quant/q8_0.h"
#include "core/quant/q8_1.h"
#include "core/quant/q8_k.h"
#include "core/quant/tq1_0.h"
#include "core/quant/tq2_0.h"

namespace kinglet::quant {
namespace {

const auto& all() noexcept {
  static const std::array kFormats = {
      f32(),     f16(),    bf16(),  q4_0(),    q4_1(),  q5_0(),   q5_1(),   q8_0(),  q8_1(),  q2_k(),  q3_k(),
      q4_k(),    q5_k(),   q6_k(),  q8_k(),    i8(),    i16(),    i32(),    i64(),   f64(),   iq1_s(), iq1_m(),
      iq2_xxs(), iq2_xs(), iq2_s(), iq3_xxs(), iq3_s(), iq4_nl(), iq4_xs(), tq1_0(), tq2_0(), mxfp4(), nvfp4(),
  };
  static_assert(kFormats.size() <= kMaxFormats);
  return kFormats;
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

template <class Wanted>
std::string names_of(const Wanted& wanted) {
  std::string names;
  for (const Format& format : all()) {
    if (!wanted(format)) continue;
    if (!names.empty()) names += ", ";
    names += format.name;
  }
  return names;
}

}  // namespace

std::span<const Format> formats() noexcept { return all(); }

size_t index_of(const Format& format) noexcept { return static_cast<size_t>(&format - all().data()); }

const Format* find_by_gguf_id(uint32_t gguf_id) noexcept {
  const auto found = std::ranges::find(all(), gguf_id, &Format::gguf_id);
  return found == all().end() ? nullptr : &*found;
}

const Format* find_by_name(std::string_view name) noexcept {
  const auto found = std::ranges::find_if(all(), [&](const Format& format) {
    return std::ranges::equal(format.name, name, [](char a, char b) { return lower(a) == lower(b); });
  });
  return found == all().end() ? nullptr : &*found;
}

std::string format_names() {
  return names_of([](const Format&) { return true; });
}

std::string written_format_names() {
  return names_of([](const Format& format) { return format.encode != nullptr; });
}

}  // namespace kinglet::quant
