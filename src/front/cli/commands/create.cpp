// kinglet create: a model from a Modelfile.
#include <filesystem>

#include "front/cli/commands/commands.h"
#include "front/cli/human.h"
#include "front/cli/input_files.h"
#include "front/cli/interrupt.h"
#include "front/cli/model_argument.h"
#include "front/cli/progress.h"
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
  }

  void run(Session& session) override {
    const store::ModelName name = store::ModelName::parse(name_);
    const std::string text = read_input(file_);
    const store::Modelfile modelfile = store::Modelfile::parse(text, label());
    store::Recipe recipe;
    const Instruction* from = nullptr;
    for (const Instruction& instruction : modelfile.instructions) {
      if (instruction.command == Instruction::Command::kFrom) from = &instruction;
      require_utf8(instruction.value, str(label(), ": line ", instruction.line));
      take(session, instruction, recipe);
    }
    resolve_from(session, *from, recipe);  // the last, as it may pull
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
          recipe.adapter_paths.push_back(path_of(session, instruction.value));
          return;
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

  // What lies on the disk, else a model by its name. A Hugging Face folder is taken as it is: its files become layers
  // that this program reads. This is the place to convert it to GGUF, which Ollama reads as well.
  void resolve_from(Session& session, const Instruction& from, store::Recipe& recipe) const {
    const std::string path = path_of(session, from.value);
    std::error_code ignored;
    const bool is_model = fs::is_regular_file(path, ignored) || fs::exists(fs::path(path) / "config.json", ignored);
    try {
      if (is_model) {
        recipe.from_path = path;
      } else if (store::is_path(from.value)) {
        fail_with(ErrorCode::kNotFound, path, ": no such file, and no folder of a model");
      } else {
        const ModelSource source = find_model(session, from.value);
        if (source.stored.name.name.empty()) {
          recipe.from_path = source.path;
        } else {
          recipe.from_model = source.stored.name;
        }
      }
    } catch (const Error& error) {
      refuse(from, error);
    }
  }

  std::string name_;
  std::string file_ = "Modelfile";
};

}  // namespace

Command create_command() {
  return {
      "create",
      "",
      "Make a model from a Modelfile",
      "A Modelfile says FROM which model, GGUF file or Hugging Face folder (paths begin at its own folder), and what "
      "is added: PARAMETER NAME VALUE (stop may be given several times), TEMPLATE (in Go's language, as Ollama has "
      "it, or Jinja), SYSTEM, MESSAGE ROLE TEXT, LICENSE, and ADAPTER (a GGUF file). A value of several lines stands "
      "between \"\"\". Ollama can use the model, too, unless it is made from a folder. `kinglet show NAME "
      "--modelfile` gives it back.",
      "printf 'FROM smollm2:135m\\nSYSTEM Answer in one word.\\nPARAMETER temperature 0\\n' | kinglet create brief -f "
      "-\n"
      "kinglet create mine -f ./Modelfile",
      make_action<Create>};
}

}  // namespace kinglet::cli
