#include "model/models/model.h"

#include "model/format/inspect.h"
#include "model/models/registry.h"

namespace kinglet::models {
namespace {

std::string known_names() {
  std::string names;
  for (const Architecture& architecture : architectures()) names += str(names.empty() ? "" : ", ", architecture.name);
  return names;
}

quant::Weight checked_weight(const format::ModelFile& file, const format::TensorEntry& tensor, const TensorSpec& spec) {
  if (tensor.format == nullptr) {
    fail_with(ErrorCode::kUnsupported, file.path(), ": tensor ", tensor.name, " is ",
              format::gguf_type_name(tensor.type_id), ", which is not supported");
  }
  if (tensor.n_rows() != spec.rows || tensor.dims[0] != spec.cols) {
    fail_with(ErrorCode::kInvalidFile, file.path(), ": tensor ", tensor.name, ": shape [", tensor.n_rows(), ",",
              tensor.dims[0], "], expected [", spec.rows, ",", spec.cols, "]");
  }
  if (spec.rows == 1 && tensor.format->name != "F32") {
    fail_with(ErrorCode::kUnsupported, file.path(), ": tensor ", tensor.name, " is ", tensor.format->name,
              ", expected F32");
  }
  if (spec.rows > 1 && tensor.format->activation == quant::Activation::kNone) {
    fail_with(ErrorCode::kUnsupported, file.path(), ": tensor ", tensor.name, " is ", tensor.format->name,
              ", which holds no weights");
  }
  return tensor.weight();
}

}  // namespace

std::shared_ptr<const Model> Model::load(std::shared_ptr<const format::ModelFile> file) {
  const auto name = file->metadata().require<std::string_view>("general.architecture");
  const Architecture* architecture = find_architecture(name);
  if (architecture == nullptr) {
    fail_with(ErrorCode::kUnsupported, file->path(), ": architecture ", name,
              " is not supported; supported: ", known_names());
  }
  std::shared_ptr<Model> model(new Model);
  model->architecture_ = architecture;
  model->config_ = architecture->read_config(*file);
  TensorTable table(model->config_.n_layers);
  architecture->declare_tensors(model->config_, table);
  for (const TensorSpec& spec : table.specs()) {
    const format::TensorEntry* tensor = file->find(spec.name);
    if (tensor != nullptr) {
      model->weights_.push_back(checked_weight(*file, *tensor, spec));
    } else if (!spec.optional) {
      fail_with(ErrorCode::kInvalidFile, file->path(), ": tensor ", spec.name, " is missing");
    }
  }
  model->file_ = std::move(file);
  return model;
}

Description Model::describe(const DescribeOptions& options) const {
  Description description;
  WeightNames names;
  std::span<const float> rope_factors;
  for (const quant::Weight& weight : weights_) {
    names.add(weight.name, description.graph.add_weight(weight));
    if (weight.name == "rope_freqs.weight") rope_factors = {reinterpret_cast<const float*>(weight.data), weight.cols};
  }
  const size_t length = options.rope_len == 0 ? config_.context_len : options.rope_len;
  ir::Builder b(description.graph);
  description.logits =
      describe_decoder(b, config_, architecture_->blocks, names, rope_frequencies(config_.rope, rope_factors, length));
  if (options.loss) {
    description.loss = ops::mean(b, ops::token_loss(b, description.logits, b.input(ir::Input::kLabels)));
  }
  return description;
}

}  // namespace kinglet::models
