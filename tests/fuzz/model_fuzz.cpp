// Reads bytes as a GGUF file, loads it as a model, describes that and lowers the description: a model that can run, or
// an error that says what is wrong. Nothing in a file reaches an assertion or takes more memory than the file could
// justify.
#include <array>
#include <span>

#include "core/base/base.h"
#include "core/graph/graph.h"
#include "fuzz_target.h"
#include "model/format/gguf.h"
#include "model/models/models.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kinglet;
  try {
    const auto model = models::Model::load(format::read_gguf(std::as_bytes(std::span(data, size)), "fuzz.gguf"));
    models::Description description = model->describe({.loss = true});
    KINGLET_CHECK(description.graph.type(description.logits).cols == model->config().vocab_size,
                  "a logit for each token");
    const std::array outputs{description.logits};
    const graph::KvLayout layout = graph::lower_for_inference(description.graph, outputs, kernels::KvType::kF16);
    KINGLET_CHECK(layout.n_layers == model->config().n_layers, "each layer has keys");
  } catch (const Error& error) {
    KINGLET_CHECK(error.code() == ErrorCode::kInvalidFile || error.code() == ErrorCode::kUnsupported,
                  "a damaged file is called one");
  }
  return 0;
}
