// kinglet show: what a model is.
#include "front/cli/commands/commands.h"
#include "front/cli/model_facts.h"
#include "model/format/inspect.h"

namespace kinglet::cli {
namespace {

class Show final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("MODEL", model_, "A name, a GGUF file, or a Hugging Face folder").is_model = true;
    arguments.flag("--modelfile", modelfile_, "A Modelfile that makes it again");
    arguments.flag("--license", license_, "Its license alone");
    arguments.flag("--template", template_, "Its chat template alone");
    arguments.flag("--parameters", parameters_, "Its recommended settings alone");
    arguments.flag("--system", system_, "Its system message alone");
    arguments.flag("--tensors", tensors_, "Its tensors too");
    arguments.flag("--json", json_, "One JSON document");
  }

  void run(Session& session) override {
    if (modelfile_ + license_ + template_ + parameters_ + system_ > 1) {
      fail(ErrorCode::kInvalidArgument,
           "show: --modelfile, --license, --template, --parameters and --system exclude one another");
    }
    const ModelSource source = find_model(session, model_, false);
    if (modelfile_ && !json_) return session.out().write(modelfile_of(source));
    const auto file = models::open_file(source.path);  // adapters and projectors are named, not used
    if (json_) return session.out().write(document(session, source, *file).dump(2) + '\n');
    if (license_) return write_lines(session, "license", license_of(source, *file));
    if (template_)
      return write_lines(session, "template",
                         chat::ChatTemplate::of(file->metadata(), source.stored.template_text).source());
    if (parameters_)
      return write_lines(session, "parameters", parameters_text(settings_of(session, source, file->metadata())));
    if (system_) return write_lines(session, "system message", source.stored.system);
    session.out().write(facts_of(source, *file));
    if (!tensors_) return;
    session.out().write("\n  Tensors\n");
    std::vector<std::pair<std::string, std::string>> rows;
    for (const format::TensorEntry& tensor : file->tensors()) rows.emplace_back(tensor.name, tensor_text(tensor));
    session.out().write(two_columns(rows, 4));
  }

 private:
  static std::string tensor_text(const format::TensorEntry& tensor) {
    std::string shape = "[";
    for (uint32_t i = tensor.n_dims; i-- > 0;) shape += str(tensor.dims[i], i == 0 ? "]" : ", ");
    return str(format::gguf_type_name(tensor.type_id), "  ", shape);
  }

  static void write_lines(Session& session, std::string_view what, const std::string& text) {
    if (text.empty()) return session.note(str("kinglet: the model has no ", what));
    session.out().write(text.ends_with('\n') ? text : text + '\n');
  }

  system::Json document(Session& session, const ModelSource& source, const format::ModelFile& file) const {
    system::Json details;
    const chat::Capabilities capabilities = chat::capabilities_of(file, source.stored.template_text);
    for (const auto& [label, value] : model_rows(file, capabilities)) {
      std::string key = label;
      std::ranges::replace(key, ' ', '_');
      details.set(key, value);
    }
    system::Json root;
    root.set("name", source.name);
    root.set("path", source.path);
    if (!source.stored.id.empty()) root.set("id", source.stored.id);
    root.set("size_bytes", file.file_bytes());
    root.set("parameter_count", parameter_count(file));
    root.set("details", std::move(details));
    root.set("parameters", settings_of(session, source, file.metadata()).changed());
    root.set("system", source.stored.system);
    root.set("template", chat::ChatTemplate::of(file.metadata(), source.stored.template_text).source());
    root.set("license", license_of(source, file));
    system::JsonArray adapters;
    for (const std::string& path : source.stored.adapter_paths) adapters.emplace_back(path);
    root.set("adapters", std::move(adapters));
    root.set("messages", source.stored.messages);
    root.set("modelfile", modelfile_of(source));
    system::Json keys = system::JsonObject{};
    for (const auto& [key, value] : file.metadata().entries()) {
      if (key == "tokenizer.chat_template" || std::holds_alternative<format::Array>(value.data)) continue;
      keys.set(std::string(key), json_of(value));
    }
    root.set("metadata", std::move(keys));
    if (tensors_) {
      system::JsonArray rows;
      for (const format::TensorEntry& tensor : file.tensors()) {
        system::JsonArray shape;
        for (uint32_t i = tensor.n_dims; i-- > 0;) shape.emplace_back(tensor.dims[i]);
        rows.push_back(system::JsonObject{{"name", tensor.name},
                                          {"type", format::gguf_type_name(tensor.type_id)},
                                          {"shape", std::move(shape)},
                                          {"size_bytes", tensor.size_bytes}});
      }
      root.set("tensors", std::move(rows));
    }
    return root;
  }

  static system::Json json_of(const format::MetaValue& value) {
    return std::visit(
        [](const auto& data) -> system::Json {
          using Data = std::decay_t<decltype(data)>;
          if constexpr (std::same_as<Data, format::Array>) {
            return nullptr;
          } else {
            return data;
          }
        },
        value.data);
  }

  std::string model_;
  bool modelfile_ = false;
  bool license_ = false;
  bool template_ = false;
  bool parameters_ = false;
  bool system_ = false;
  bool tensors_ = false;
  bool json_ = false;
};

}  // namespace

Command show_command() {
  return {"show",
          "",
          "Show what a model is",
          "",
          "kinglet show smollm2:135m\nkinglet show smollm2:135m --template\nkinglet show ./model.gguf --tensors --json",
          make_action<Show>};
}

}  // namespace kinglet::cli
