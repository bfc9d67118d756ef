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
    const bool has_logits = description.logits.valid();
    const size_t cols = has_logits ? model->config().vocab_size : model->config().hidden_dim;
    const std::array outputs{has_logits ? description.logits : description.hidden};
    KINGLET_CHECK(description.graph.type(outputs[0]).cols == cols, "a logit for each token, or a hidden row");
    static_cast<void>(graph::lower_for_inference(description.graph, outputs, kernels::KvType::kF16));
  } catch (const Error& error) {
    KINGLET_CHECK(error.code() == ErrorCode::kInvalidFile || error.code() == ErrorCode::kUnsupported,
                  "a damaged file is called one");
  }
  return 0;
}
