// kinglet gradients: the loss of a batch and its gradients, for checking the mathematics against another program.
#include <algorithm>
#include <optional>

#include "front/cli/commands/commands.h"
#include "front/cli/input_files.h"
#include "front/cli/model_argument.h"
#include "front/cli/tensor_output.h"
#include "model/format/hf_family.h"
#include "model/format/rope_rows.h"
#include "run/engine/gradients.h"

namespace kinglet::cli {
namespace {

bool is_of_heads(format::Change change) {
  return change == format::Change::kQueryHeads || change == format::Change::kKeyHeads;
}

// Names and order of rows as a GGUF file or a Hugging Face folder has them.
class Naming {
 public:
  Naming(const models::Model& model, bool as_folder) : model_(model), as_folder_(as_folder) {
    // Several families may have files of one name; each of its tensors is known to one of them.
    for (const format::HfFamily& family : models::hf_families()) {
      if (family.architecture == model.architecture().name) families_.push_back(&family);
    }
    if (as_folder && families_.empty()) {
      fail_with(ErrorCode::kUnsupported, "--names: no Hugging Face names are known for ", model.architecture().name);
    }
  }

  // A `*` stands for the number of an expert.
  [[nodiscard]] std::string name_of(const std::string& gguf_name) const {
    if (!as_folder_) return gguf_name;
    const auto mapped = mapped_name(gguf_name);
    if (!mapped) fail_with(ErrorCode::kUnsupported, "--names: ", gguf_name, " has no Hugging Face name");
    // A folder may have a prefix in front of its names.
    const format::TensorEntry* tensor = model_.file().find(gguf_name);
    const bool is_stack = mapped->name.find('*') != std::string::npos;
    return tensor == nullptr || tensor->source.empty() || is_stack ? mapped->name : std::string(tensor->source);
  }

  // Puts the rows of q and k into the wanted order, where the file has the other one.
  void order_rows(const std::string& gguf_name, std::vector<float>& gradient, size_t row_len) const {
    const auto mapped = mapped_name(gguf_name);
    if (!mapped || !is_of_heads(mapped->rule->change)) return;
    const bool is_folder = model_.config().ropes[0].pairs == kernels::RopePairs::kHalves;
    if (is_folder == as_folder_) return;
    std::vector<float> ordered(gradient.size());
    const auto from = std::as_bytes(std::span(gradient));
    const auto to = std::as_writable_bytes(std::span(ordered));
    const size_t row_bytes = row_len * sizeof(float);
    as_folder_ ? format::rows_to_halves(from, to, model_.config().layers[0].head_dim, row_bytes)
               : format::rows_to_adjacent(from, to, model_.config().layers[0].head_dim, row_bytes);
    gradient.swap(ordered);
  }

 private:
  [[nodiscard]] std::optional<format::MappedName> mapped_name(const std::string& gguf_name) const {
    for (const format::HfFamily* family : families_) {
      if (auto mapped = format::to_hf_name(*family, gguf_name)) return mapped;
    }
    return std::nullopt;
  }

  const models::Model& model_;
  const bool as_folder_;
  std::vector<const format::HfFamily*> families_;
};

// Adds a gradient; of stacked experts one for each of them where the name has a `*`.
void add_gradient(format::SafetensorsWriter& writer, const std::string& name, std::vector<uint64_t> shape,
                  std::span<const float> values) {
  const size_t star = name.find('*');
  if (star == std::string::npos)
    return writer.add_tensor(str("grad.", name), "F32", std::move(shape), std::as_bytes(values));
  const auto n_experts = static_cast<size_t>(shape[0]);
  const size_t one = values.size() / n_experts;
  shape.erase(shape.begin());
  for (size_t i = 0; i < n_experts; ++i) {
    writer.add_tensor(str("grad.", name.substr(0, star), i, name.substr(star + 1)), "F32", shape,
                      std::as_bytes(values.subspan(i * one, one)));
  }
}

// A gradient of an adapter's tensor: in the names and the order of rows of a PEFT file, or of a GGUF adapter.
struct AdapterGradient {
  std::string name;
  std::vector<uint64_t> shape;
  std::vector<float> values;
};

AdapterGradient adapter_gradient(const models::Model& model, const std::string& name, std::vector<float> values,
                                 bool as_folder) {
  const size_t dot = name.rfind(".lora_");
  const auto& weights = model.adapters()[0].adapter.weights;
  const auto of = std::ranges::find(weights, name.substr(0, dot), &format::AdapterWeight::name);
  KINGLET_CHECK(of != weights.end(), "gradients of an adapter are those of its tensors");
  const std::string_view kind = std::string_view(name).substr(dot);
  const bool is_a = kind == ".lora_a";
  const bool is_magnitude = kind == ".lora_magnitude";
  AdapterGradient gradient{name, {of->rows, of->rank}, std::move(values)};
  if (is_a) gradient.shape = {of->rank, of->cols};
  if (is_magnitude) gradient.shape = {of->rows};
  if (as_folder) {
    const auto mapped = format::to_hf_name(model.architecture().folder, of->name);
    if (!mapped) fail_with(ErrorCode::kUnsupported, "--names: ", of->name, " has no Hugging Face name");
    const std::string_view module = std::string_view(mapped->name).substr(0, mapped->name.rfind(".weight"));
    gradient.name =
        str(of->module.empty() ? str("base_model.model.", module) : of->module, is_magnitude ? ".lora_magnitude_vector"
                                                                                : is_a       ? ".lora_A.weight"
                                                                                             : ".lora_B.weight");
  }
  const format::AdapterTarget target = model.adapter_target();
  if (is_a || !format::is_of_heads(target.family, of->name) || as_folder == target.keeps_halves()) return gradient;
  const size_t row_len = is_magnitude ? 1 : of->rank;
  gradient.values = as_folder ? format::rows_in_halves(gradient.values, target.head_dim(), row_len)
                              : format::rows_in_pairs(gradient.values, target.head_dim(), row_len);
  return gradient;
}

class Gradients final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("MODEL", model_, "A name, a GGUF file, or a Hugging Face folder").is_model = true;
    arguments.option("--batch", "FILE", batch_, "JSON: {\"ids\": [[...]], \"labels\": [[...]]}; - is standard input")
        .is_file = true;
    arguments.option("--out", "FILE", out_, "The safetensors file to write").is_file = true;
    declare_adapters(arguments, adapters_);
    arguments
        .option("--names", "KIND", names_, "Names and layout of GGUF, or of the Hugging Face folder (default gguf)")
        .choices = {"gguf", "hf"};
  }

  void run(Session& session) override {
    if (batch_.empty()) fail(ErrorCode::kInvalidArgument, "--batch: is missing; it names a FILE with ids and labels");
    if (out_.empty()) fail(ErrorCode::kInvalidArgument, "--out: is missing; it names the FILE to write");
    session.require_f32_kv("gradients");
    const system::Json json = system::Json::parse(read_input(batch_), batch_);
    engine::LabelledBatch batch;
    batch.ids = id_lists_of(json.at("ids"), str(batch_, ": ids"));
    batch.labels = labels_of(json.at("labels"));
    if (const system::Json* types = json.find("types")) batch.types = id_lists_of(*types, str(batch_, ": types"));
    for (const auto& [key, value] : json.as_object(batch_)) {
      if (key != "ids" && key != "labels" && key != "types")
        fail_with(ErrorCode::kInvalidArgument, batch_, ": ", key, ": is not known; there are ids, labels and types");
    }
    ModelSource source = find_model(session, model_);
    add_adapters(source, adapters_);
    const auto model = models::Model::load(open_source(source, {.has_words = false}), source.adapters);
    const Naming naming(*model, names_ == "hf");
    for (const std::vector<int32_t>& ids : batch.ids) {
      if (ids.size() > model->config().context_len && !model->config().depends_on_length()) {
        fail_with(ErrorCode::kContextFull, batch_, ": a row has ", ids.size(), " tokens, the model's context ",
                  model->config().context_len, "; shorten it");
      }
    }
    auto gradients = engine::gradients<float>(*model, batch, session.table(), session.pool());
    format::SafetensorsWriter writer;
    writer.add_tensor("loss", "F32", {1}, std::as_bytes(std::span(&gradients.loss, 1)));
    for (auto& [name, gradient] : gradients.by_name) {
      if (!model->adapters().empty()) {
        const AdapterGradient of = adapter_gradient(*model, name, std::move(gradient), names_ == "hf");
        gradient = of.values;
        writer.add_tensor(str("grad.", of.name), "F32", of.shape, std::as_bytes(std::span(gradient)));
        continue;
      }
      const format::TensorEntry& tensor = *model->file().find(name);
      std::vector<uint64_t> shape(tensor.dims.begin(), tensor.dims.begin() + tensor.n_dims);
      std::ranges::reverse(shape);
      naming.order_rows(name, gradient, shape.size() > 1 ? shape.back() : 1);
      add_gradient(writer, naming.name_of(name), std::move(shape), gradient);
    }
    write_tensors(writer, out_);
  }

 private:
  // Lists, or for a classifier of texts one label a row.
  [[nodiscard]] std::vector<std::vector<int32_t>> labels_of(const system::Json& json) const {
    const std::string what = str(batch_, ": labels");
    const auto& rows = json.as_array(what);
    if (rows.empty() || !rows[0].is_number()) return id_lists_of(json, what);
    std::vector<std::vector<int32_t>> labels;
    for (const int32_t label : ids_of(json, what)) labels.push_back({label});
    return labels;
  }

  std::string model_;
  std::string batch_;
  std::string out_;
  std::vector<std::string> adapters_;
  std::string names_ = "gguf";
};

}  // namespace

Command gradients_command() {
  return {
      "gradients",
      "",
      "Write the loss of a batch and the gradient of each parameter to a file",
      "For checking the mathematics against another program. labels[i] is what position i is scored on (position i - 1 "
      "predicts it), -100 is not scored; rows may differ in length, there is no padding. A classifier takes one label "
      "a "
      "row, {\"labels\": [3, 1]}, or one a token; {\"types\": [[...]]} gives token types. The file holds loss [1], the "
      "mean over what is scored in nats, and grad.NAME for each parameter in F32. Keys and values are f32.",
      "kinglet gradients ./folder --batch batch.json --out gradients.safetensors --names hf",
      make_action<Gradients>};
}

}  // namespace kinglet::cli
