// kinglet create: a model from a Modelfile.
#include <filesystem>

#include "front/cli/commands/commands.h"
#include "front/cli/human.h"
#include "front/cli/input_files.h"
#include "front/cli/interrupt.h"
#include "front/cli/model_argument.h"
#include "front/cli/progress.h"
#include "front/cli/written_model.h"
#include "home/store/modelfile.h"

namespace kinglet::cli {
namespace {

namespace fs = std::filesystem;
using store::Instruction;

class Create final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("NAME", name_, "The name that it gets; a model that has it is replaced");
    arguments.option("-f,--file", "FILE", file_, "The Modelfile (default: Modelfile); - is standard input").is_file =
        true;
    arguments.option("--quantize", "TYPE", quantize_, "The mixture that its matrices get, such as q4_K_M");
  }

  void run(Session& session) override {
    const store::ModelName name = store::ModelName::parse(name_);
    const std::string text = read_input(file_);
    const store::Modelfile modelfile = store::Modelfile::parse(text, label());
    store::Recipe recipe;
    std::vector<const Instruction*> adapters;
    for (const Instruction& instruction : modelfile.instructions) {
      if (instruction.command == Instruction::Command::kAdapter) adapters.push_back(&instruction);
      require_utf8(instruction.value, str(label(), ": line ", instruction.line));
      take(session, instruction, recipe);
    }
    const std::string weights = resolve_from(session, modelfile.from(), recipe);  // the last, as it may pull
    for (const Instruction* adapter : adapters) take_adapter(session, *adapter, weights, recipe);
    InterruptWatch interrupt;
    ProgressLine line(session.shows_progress());
    const store::StoredModel model = session.store().create(name, recipe, [&](const store::Progress& progress) {
      line.show(progress);
      return !interrupt.requested();
    });
    line.finish();
    session.note(str("Created ", model.name.to_string(), ", ", human_bytes(model.size_bytes), "."));
  }

 private:
  [[nodiscard]] std::string label() const { return file_ == "-" ? "standard input" : file_; }

  [[noreturn]] void refuse(const Instruction& instruction, const Error& error) const {
    fail_with(error.code(), label(), ": line ", instruction.line, ": ", store::name_of(instruction.command), ": ",
              error.message());
  }

  // Paths begin at the Modelfile's folder.
  [[nodiscard]] std::string path_of(const Session& session, const std::string& value) const {
    if (value.starts_with("~/")) return session.environment().home + value.substr(1);
    const fs::path folder = file_ == "-" ? fs::path() : fs::path(file_).parent_path();
    return (folder / value).string();
  }

  void take(Session& session, const Instruction& instruction, store::Recipe& recipe) const {
    using enum Instruction::Command;
    try {
      switch (instruction.command) {
        case kFrom:
          return;
        case kParameter:
          return take_parameter(session, instruction, recipe);
        case kTemplate:
          check_template(instruction.value);
          recipe.template_text = instruction.value;
          return;
        case kSystem:
          recipe.system = instruction.value;
          return;
        case kAdapter:
          return;  // once it is known what it is for
        case kLicense:
          recipe.licenses.push_back(instruction.value);
          return;
        case kMessage:
          recipe.messages.push(system::JsonObject{{"role", instruction.name}, {"content", instruction.value}});
          return;
      }
    } catch (const Error& error) {
      refuse(instruction, error);
    }
  }

  // Ollama knows these no longer, and leaves them out as well.
  static bool is_of_the_past(std::string_view name) { return name == "penalize_newline" || name == "logits_all"; }

  static void take_parameter(const Session& session, const Instruction& instruction, store::Recipe& recipe) {
    const std::string& name = instruction.name;
    if (is_of_the_past(name))
      return session.note(str("kinglet: the parameter ", name, " has no effect and is left out"));
    system::Json value = chat::Settings::value_of(name, instruction.value);
    system::JsonObject members =
        recipe.parameters.is_null() ? system::JsonObject() : recipe.parameters.as_object("parameters");
    const auto known = std::ranges::find(members, name, &system::JsonObject::value_type::first);
    if (known == members.end()) {
      members.emplace_back(name, name == "stop" ? system::Json(system::JsonArray{std::move(value)}) : std::move(value));
    } else if (name == "stop") {
      known->second.push(std::move(value));
    } else {
      known->second = std::move(value);
    }
    recipe.parameters = std::move(members);
  }

  static void check_template(const std::string& text) {
    static_cast<void>(chat::ChatTemplate(chat::language_of(text), text, "template"));
  }

  // What lies on the disk, else a model by its name. A Hugging Face folder is converted, so that Ollama reads the model
  // as well. Gives the path of the weights.
  std::string resolve_from(Session& session, const Instruction& from, store::Recipe& recipe) const {
    std::string path = path_of(session, from.value);
    std::error_code ignored;
    const bool is_model = fs::is_regular_file(path, ignored) || fs::exists(fs::path(path) / "config.json", ignored);
    try {
      if (!is_model && store::is_path(from.value))
        fail_with(ErrorCode::kNotFound, path, ": no such file, and no folder of a model");
      if (!is_model) {
        const ModelSource source = find_model(session, from.value);
        path = source.path;
        if (!source.stored.name.name.empty()) recipe.from_model = source.stored.name;
      }
      const bool is_made = !quantize_.empty() || (!recipe.from_model && fs::is_directory(path, ignored));
      if (is_made) {
        recipe.from_made = made_of(session, path);
      } else if (!recipe.from_model) {
        recipe.from_path = path;
      }
      return path;
    } catch (const Error& error) {
      refuse(from, error);
    }
  }

  store::MadeFile made_of(Session& session, const std::string& path) const {
    const auto model = std::make_shared<const WrittenModel>(path, quantize_);
    return {path, model->size_bytes(), [&session, model](const auto& sink) { model->write(session, sink); }};
  }

  // A layer of its own, as a GGUF file; what does not fit the model is refused now.
  void take_adapter(Session& session, const Instruction& instruction, const std::string& weights,
                    store::Recipe& recipe) const {
    const std::string path = path_of(session, instruction.value);
    try {
      std::error_code ignored;
      if (!fs::exists(path, ignored)) fail_with(ErrorCode::kNotFound, path, ": no such file");
      const auto model = models::Model::load(models::open_file(weights), {{path}});
      if (fs::is_regular_file(path, ignored) && !path.ends_with(".safetensors")) {
        recipe.adapter_paths.push_back(path);
        return;
      }
      recipe.made_adapters.push_back({path, 0, [model](const auto& sink) {
                                        format::write_gguf_adapter(model->adapters()[0].adapter,
                                                                   model->adapter_target(), sink);
                                      }});
    } catch (const Error& error) {
      refuse(instruction, error);
    }
  }

  std::string name_;
  std::string file_ = "Modelfile";
  std::string quantize_;
};

}  // namespace

Command create_command() {
  return {
      "create",
      "",
      "Make a model from a Modelfile",
      "A Modelfile says FROM which model, GGUF file or Hugging Face folder (paths begin at its own folder), and what "
      "is added: PARAMETER NAME VALUE (stop may be given several times), TEMPLATE (in Go's language, as Ollama has "
      "it, or Jinja), SYSTEM, MESSAGE ROLE TEXT, LICENSE, and ADAPTER (a GGUF file or a PEFT folder). A value of "
      "several "
      "lines stands between \"\"\". Folders are converted to GGUF files, which Ollama can use, too; --quantize makes "
      "them and files smaller. `kinglet show NAME --modelfile` gives it back.",
      "printf 'FROM smollm2:135m\\nSYSTEM Answer in one word.\\nPARAMETER temperature 0\\n' | kinglet create brief -f "
      "-\n"
      "kinglet create mine -f ./Modelfile\n"
      "printf 'FROM ./SmolLM2-135M\\n' | kinglet create smol -f - --quantize q4_K_M",
      make_action<Create>};
}

}  // namespace kinglet::cli
