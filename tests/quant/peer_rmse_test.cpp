// The encoders that search on trained weights, beside llama.cpp's: the figures of tests/golden/quant/peer_rmse.txt
// for the matrices of silero_vad (tools/make_quant_goldens), as plain root mean square errors.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "core/base/base.h"
#include "core/quant/quant.h"
#include "home/system/file.h"
#include "model/format/safetensors.h"

namespace kinglet::tests {
namespace {

/// All matrices, by name, one after the other, cut to whole rows of 256.
std::vector<float> trained_weights(const format::Safetensors& file) {
  std::vector<const format::SafetensorsEntry*> matrices;
  for (const auto& tensor : file.tensors()) {
    if (tensor.shape.size() > 1) matrices.push_back(&tensor);
  }
  std::ranges::sort(matrices, {}, [](const auto* tensor) { return tensor->name; });
  std::vector<float> values;
  for (const auto* tensor : matrices) {
    const size_t n = values.size();
    values.resize(n + tensor->bytes.size() / sizeof(float));
    std::memcpy(values.data() + n, tensor->bytes.data(), tensor->bytes.size());
  }
  values.resize(values.size() / 256 * 256);
  return values;
}

TEST(PeerRmse, OfTrainedWeights) {
  const char* kit = std::getenv("KINGLET_KIT");
  const char* source = std::getenv("KINGLET_SOURCE");
  if (kit == nullptr || source == nullptr || !std::filesystem::exists(kit)) GTEST_SKIP() << "the data kit is not here";
  const auto file = format::Safetensors::open(str(kit, "/models/silero_vad_16k.safetensors"));
  const std::vector<float> values = trained_weights(file);
  std::istringstream lines(system::read_file(str(source, "/tests/golden/quant/peer_rmse.txt"), 1 << 16));
  std::string name;
  std::string weights;
  double of_peer = 0;
  size_t n_compared = 0;
  while (lines >> name >> weights >> of_peer) {
    if (weights != "silero_vad") continue;
    const quant::Format& format = *quant::find_by_name(name);
    std::vector<std::byte> blocks(format.row_bytes(values.size()));
    std::vector<float> decoded(values.size());
    format.encode(values.data(), nullptr, blocks.data(), values.size());
    format.decode(blocks.data(), decoded.data(), values.size());
    double square = 0;
    for (size_t i = 0; i < values.size(); ++i)
      square += std::pow(static_cast<double>(decoded[i]) - static_cast<double>(values[i]), 2);
    const double error = std::sqrt(square / static_cast<double>(values.size()));
    std::printf("%-6s rmse %.5e, llama.cpp %.5e, ratio %.4f\n", name.c_str(), error, of_peer, error / of_peer);
    EXPECT_LE(error, of_peer * (1 + 1e-6)) << name;  // of the digits in the file
    ++n_compared;
  }
  EXPECT_EQ(n_compared, 13U);
}

}  // namespace
}  // namespace kinglet::tests
