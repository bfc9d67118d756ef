#include "model/models/model.h"

#include <algorithm>
#include <set>

#include "model/format/inspect.h"
#include "model/format/printable.h"
#include "model/models/heads.h"
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
              format::gguf_type_name(tensor.type_id), ", which is not supported; supported: ", quant::format_names());
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
  const quant::Weight weight = tensor.weight();
  if (!spec.is_flat) return weight;
  return {weight.name, weight.format, 1, weight.rows * weight.cols, weight.data};
}

const Architecture& architecture_of(const format::ModelFile& file) {
  const auto name = file.metadata().require<std::string_view>("general.architecture");
  if (const Architecture* architecture = find_architecture(name)) return *architecture;
  fail_with(ErrorCode::kUnsupported, file.path(), ": architecture ", name,
            " is not supported; supported: ", known_names());
}

std::vector<TensorSpec> tensors_of(const Architecture& architecture, const DecoderConfig& config) {
  TensorTable table;
  architecture.declare_tensors(config, table);
  return table.specs();
}

// Calls use(tensor, spec) for each tensor that is there.
template <class Use>
void match_tensors(const format::ModelFile& file, const std::vector<TensorSpec>& specs, const Use& use) {
  for (const TensorSpec& spec : specs) {
    const format::TensorEntry* tensor = file.find(spec.name);
    if (tensor != nullptr) {
      use(*tensor, spec);
    } else if (!spec.is_optional) {
      fail_with(ErrorCode::kInvalidFile, file.path(), ": tensor ", spec.name, " is missing, expected [", spec.rows, ",",
                spec.cols, "]");
    }
  }
}

// A tensor that nobody asked for may mean that the file is another model than it says.
void refuse_unread(const format::ModelFile& file, const Architecture& architecture,
                   const std::vector<TensorSpec>& specs) {
  // Towers for images and sound that some files have beside the language model.
  constexpr std::string_view kOtherParts[] = {"v.", "mm.", "a."};
  std::set<std::string_view> known;
  for (const TensorSpec& spec : specs) known.insert(spec.name);
  for (const format::TensorEntry& tensor : file.tensors()) {
    if (known.contains(tensor.name)) continue;
    const auto is_begun = [&](std::string_view part) { return tensor.name.starts_with(part); };
    const auto has = [&](std::string_view part) { return tensor.name.find(part) != std::string_view::npos; };
    if (std::ranges::any_of(kOtherParts, is_begun) || std::ranges::any_of(architecture.unread, has)) continue;
    fail_with(ErrorCode::kUnsupported, file.path(), ": tensor ", format::printable(tensor.name), ": shape [",
              tensor.n_rows(), ",", tensor.dims[0], "], is not one of ", architecture.family);
  }
}

}  // namespace

std::shared_ptr<const Model> Model::load(std::shared_ptr<const format::ModelFile> file) {
  return load_plain(std::move(file));
}

std::shared_ptr<const Model> Model::load(std::shared_ptr<const format::ModelFile> file,
                                         const std::vector<AdapterPath>& adapters) {
  std::shared_ptr<Model> model = load_plain(std::move(file));
  model->add_adapters(adapters);
  return model;
}

std::shared_ptr<Model> Model::load_plain(std::shared_ptr<const format::ModelFile> file) {
  std::shared_ptr<Model> model(new Model);
  model->architecture_ = &architecture_of(*file);
  model->config_ = model->architecture_->read_config(ConfigReader(*file));
  const std::vector<TensorSpec> specs = tensors_of(*model->architecture_, model->config_);
  match_tensors(*file, specs, [&](const format::TensorEntry& tensor, const TensorSpec& spec) {
    const quant::Weight weight = checked_weight(*file, tensor, spec);
    model->weights_.push_back(spec.rows_before.empty() ? weight : model->joined(weight, spec.rows_before));
    if (spec.is_constant) model->constants_.insert(spec.name);
  });
  refuse_unread(*file, *model->architecture_, specs);
  model->file_ = std::move(file);
  return model;
}

quant::Weight Model::joined(const quant::Weight& weight, std::span<const float> rows_before) {
  const size_t n_of_file = weight.rows * weight.cols;
  tensor::Buffer& memory =
      joined_.emplace_back(tensor::Buffer::uninitialized((rows_before.size() + n_of_file) * sizeof(float)));
  auto* values = memory.at<float>();
  std::ranges::copy(rows_before, values);
  weight.format->decode(weight.data, values + rows_before.size(), n_of_file);
  const size_t n_rows = weight.rows + rows_before.size() / weight.cols;
  return {weight.name, quant::find_by_name("F32"), n_rows, weight.cols, memory.data()};
}

void Model::add_adapters(const std::vector<AdapterPath>& adapters) {
  for (const AdapterPath& adapter : adapters) {
    adapters_.push_back({format::open_adapter(adapter.path, adapter_target()), adapter.factor});
    factors_.push_back(adapter.factor);
  }
  for (size_t i = 0; i < adapters_.size(); ++i) {
    for (const format::AdapterWeight& weight : adapters_[i].adapter.weights) {
      const auto changed = std::ranges::find(weights_, weight.name, &quant::Weight::name);
      KINGLET_CHECK(changed != weights_.end(), "an adapter is opened against the model's tensors");
      adapter_tensors_.emplace_back(weight, i, *changed);
    }
  }
  if (adapters_.empty()) return;
  // A matrix that no linear reads has nothing that an adapter could change.
  const Description description = describe();
  std::set<std::string_view> read;
  for (const ir::Node& node : description.graph.nodes()) {
    for (const ir::WeightId id : node.weights) read.insert(description.graph.weight(id).name);
  }
  for (const AdapterUse& use : adapters_) {
    for (const format::AdapterWeight& weight : use.adapter.weights) {
      if (read.contains(str(weight.name, ".lora_a"))) continue;
      fail_with(ErrorCode::kUnsupported, use.adapter.path, ": adapters of ", weight.name, " are not supported");
    }
  }
}

void Model::check(const format::ModelFile& file) {
  const Architecture& architecture = architecture_of(file);
  const std::vector<TensorSpec> specs = tensors_of(architecture, architecture.read_config(ConfigReader(file)));
  match_tensors(file, specs, [&](const format::TensorEntry& tensor, const TensorSpec& spec) {
    static_cast<void>(checked_weight(file, tensor, spec));
  });
  refuse_unread(file, architecture, specs);
}

void Model::require_head() const {
  if (gives_logits()) return;
  if (architecture_->blocks.head != nullptr) {
    fail_with(ErrorCode::kUnsupported, file_->path(),
              ": is a classifier: it makes vectors and scores of texts and generates none");
  }
  fail_with(ErrorCode::kUnsupported, file_->path(), ": ", architecture_->name, " is an encoder: it makes vectors",
            config_.n_labels > 0 ? " and scores" : "", " of texts and generates none");
}

namespace {

// Of decoders the last row alone has seen all of the text.
Pooling pooling_of(const DecoderConfig& config) {
  const bool says_nothing = config.pooling == Pooling::kNone || config.pooling == Pooling::kRank;
  return says_nothing && config.is_causal ? Pooling::kLast : config.pooling;
}

}  // namespace

Description Model::describe(const DescribeOptions& options) const {
  Description description;
  ir::Builder b(description.graph);
  WeightNames names;
  for (const quant::Weight& weight : weights_) names.add(weight.name, description.graph.add_weight(weight));
  for (const AdapterTensors& tensors : adapter_tensors_) {
    tensors.add_to(description.graph, names[tensors.adapter().name]);
  }
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
  description.routed = c.routed;
  description.hidden = c.blocks.final_norm(c, x_TD);
  description.pooled = pool_rows(c, description.hidden, options.pooling.value_or(pooling_of(config_)));
  description.pooled = dense_layers(c, description.pooled);
  if (options.normalize) description.pooled = ops::l2_normalize(b, description.pooled);
  if (config_.n_labels > 0 && c.blocks.classify != nullptr) {
    const ir::Value rows = config_.classifier_pooling == Pooling::kNone
                               ? description.hidden
                               : pool_rows(c, description.hidden, config_.classifier_pooling);
    description.scores = c.blocks.classify(c, rows);
    if (options.loss) {
      const ir::Value scored = ops::gather_rows(b, description.scores, b.input(ir::Input::kLogitRows));
      description.loss = ops::mean(b, ops::token_loss(b, scored, b.input(ir::Input::kLabels)));
    }
    return description;
  }
  if (c.blocks.head == nullptr) return description;
  const ir::Value rows_LD = ops::gather_rows(b, x_TD, b.input(ir::Input::kLogitRows));
  description.logits = c.blocks.head(c, c.blocks.final_norm(c, rows_LD));
  if (options.loss) {
    description.loss = ops::mean(b, ops::token_loss(b, description.logits, b.input(ir::Input::kLabels)));
  }
  return description;
}

}  // namespace kinglet::models
