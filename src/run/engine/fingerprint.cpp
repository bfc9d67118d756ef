#include "run/engine/fingerprint.h"

#include <algorithm>

#include "home/system/sha256.h"

namespace kinglet::engine {
namespace {

// Of each weight, evenly spread.
constexpr size_t kSamples = 16;
constexpr size_t kSampleBytes = 64;

void add_numbers(system::Sha256& sum, const std::vector<float>& values) {
  sum.add(str(values.size(), ";"));
  sum.add(std::as_bytes(std::span(values)));
}

}  // namespace

std::string fingerprint_of(const models::Model& model) {
  system::Sha256 sum;
  for (const auto& [key, value] : model.file().metadata().entries()) {
    // Lists are the vocabulary for the most part, which answers in tokens do not depend on.
    if (!std::holds_alternative<format::Array>(value.data)) sum.add(str(key, "=", format::describe(value), ";"));
  }
  for (const quant::Weight& weight : model.weights()) {
    sum.add(str(weight.name, ":", weight.format->name, ":", weight.rows, ":", weight.cols, ";"));
    const size_t n_bytes = weight.rows * weight.row_bytes();
    const size_t step = std::max<size_t>(1, n_bytes / kSamples);
    for (size_t at = 0; at < n_bytes; at += step) {
      sum.add({weight.data + at, std::min(kSampleBytes, n_bytes - at)});
    }
  }
  return sum.finish().hex();
}

std::string fingerprint_of(const format::Adapter& adapter) {
  system::Sha256 sum;
  for (const format::AdapterWeight& weight : adapter.weights) {
    sum.add(str(weight.name, ":", weight.rows, ":", weight.cols, ":", weight.rank, ":", weight.scale, ";"));
    add_numbers(sum, weight.a);
    add_numbers(sum, weight.b);
    add_numbers(sum, weight.magnitude);
  }
  return sum.finish().hex();
}

}  // namespace kinglet::engine
