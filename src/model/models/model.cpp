#include "model/models/model.h"

#include "model/format/inspect.h"
#include "model/models/registry.h"

namespace kinglet::models {
namespace {

std::string known_names() {
  std::string names;
  for (const Architecture& architecture : architectures()) {
    if (find_architecture(architecture.name) == &architecture)
      names += str(names.empty() ? "" : ", ", architecture.name);
  }
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
  if ((spec.rows == 1 || spec.is_f32) && tensor.format->name != "F32") {
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
  model->config_ = architecture->read_config(ConfigReader(*file));
  TensorTable table(model->config_.n_layers);
  architecture->declare_tensors(model->config_, table);
  for (const TensorSpec& spec : table.specs()) {
    if (spec.is_constant) model->constants_.insert(spec.name);
    const format::TensorEntry* tensor = file->find(spec.name);
    if (tensor != nullptr) {
      model->weights_.push_back(checked_weight(*file, *tensor, spec));
    } else if (!spec.is_optional) {
      fail_with(ErrorCode::kInvalidFile, file->path(), ": tensor ", spec.name, " is missing");
    }
  }
  model->file_ = std::move(file);
  return model;
}

Description Model::describe(const DescribeOptions& options) const {
  Description description;
  ir::Builder b(description.graph);
  WeightNames names;
  for (const quant::Weight& weight : weights_) names.add(weight.name, description.graph.add_weight(weight));
  const auto vector = [&](std::string_view name) -> std::span<const float> {
    const auto id = names.find(name);
    if (!id) return {};
    return {reinterpret_cast<const float*>(b.weight(*id).data), b.weight(*id).cols};
  };
  Context c{b, config_, names, architecture_->blocks, b.input(ir::Input::kPositions), {}};
  for (size_t i = 0; i < config_.ropes.size(); ++i) {
    // Frequency factors of a file are those of the first rope, which is that of layers without a window.
    const bool is_longrope = config_.ropes[i].scaling == RopeScaling::kLongrope;
    const auto factors = vector(is_longrope ? "rope_factors_short.weight" : "rope_freqs.weight");
    c.rope_tables.push_back(
        ops::rope_table(b, c.positions,
                        rope_frequencies(config_.ropes[i], i == 0 ? factors : std::span<const float>(),
                                         i == 0 ? vector("rope_factors_long.weight") : std::span<const float>())));
  }
  ir::Value x_TD = c.blocks.embed(c, b.input(ir::Input::kTokenIds));
  c.states.push_back(x_TD);
  for (size_t i = 0; i < config_.n_layers; ++i) {
    x_TD = c.blocks.layer(c, LayerWeights(names, i), x_TD);
    c.states.push_back(x_TD);
  }
  description.states = c.states;
  description.hidden = c.blocks.final_norm(c, x_TD);
  if (c.blocks.head == nullptr) return description;
  const ir::Value rows_LD = ops::gather_rows(b, x_TD, b.input(ir::Input::kLogitRows));
  description.logits = c.blocks.head(c, c.blocks.final_norm(c, rows_LD));
  if (options.loss) {
    description.loss = ops::mean(b, ops::token_loss(b, description.logits, b.input(ir::Input::kLabels)));
  }
  return description;
}

}  // namespace kinglet::models
