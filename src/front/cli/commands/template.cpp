// kinglet template: the prompt that messages become.

#include "front/cli/commands/commands.h"
#include "front/cli/input_files.h"
#include "front/cli/model_argument.h"

namespace kinglet::cli {
namespace {

class Template final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("MODEL_OR_FILE", model_, "A model, or a file with a template (Jinja, or Go as in a Modelfile)")
        .is_model = true;
    arguments
        .option(
            "--messages", "FILE", messages_,
            "JSON: an array of {\"role\", \"content\"}, or an object with it under \"messages\"; - is standard input")
        .is_file = true;
    arguments.option("--tools", "FILE", tools_, "JSON: an array of tools that the template sees").is_file = true;
    arguments.flag("--no-generation-prompt", no_generation_prompt_, "Do not end with the beginning of an answer");
    arguments.option("--set", "NAME=JSON", variables_, "Let the template see NAME with this value");
  }

  void run(Session& session) override {
    if (messages_.empty())
      fail(ErrorCode::kInvalidArgument, "--messages: is missing; it names a FILE with the messages");
    chat::TemplateInput input;
    input.generation_prompt = !no_generation_prompt_;
    const system::Json json = system::Json::parse(read_input(messages_), messages_);
    if (json.is_object()) {
      take_object(json, input);
    } else {
      input.messages = json;
    }
    if (!input.messages.is_array()) fail_with(ErrorCode::kInvalidArgument, messages_, ": holds no array of messages");
    if (!tools_.empty()) input.tools = system::Json::parse(read_input(tools_), tools_);
    for (const std::string& variable : variables_) {
      const size_t equals = variable.find('=');
      if (equals == 0 || equals == std::string::npos) {
        fail_with(ErrorCode::kInvalidArgument, "--set: ", variable, " is not NAME=JSON");
      }
      const std::string name = variable.substr(0, equals);
      input.variables.emplace_back(name, system::Json::parse(variable.substr(equals + 1), "--set " + name));
    }
    session.out().write(open_template(session).render(input));
  }

 private:
  // As the kit of cases and HTTP requests have it: all that the template sees in one object.
  void take_object(const system::Json& json, chat::TemplateInput& input) const {
    for (const auto& [key, value] : json.as_object("messages")) {
      if (key == "messages") {
        input.messages = value;
      } else if (key == "tools") {
        input.tools = value;
      } else if (key != "add_generation_prompt" || !no_generation_prompt_) {
        input.variables.emplace_back(key, value);
      }
    }
  }

  chat::ChatTemplate open_template(Session& session) const {
    const bool is_jinja = model_.ends_with(".jinja") || model_.ends_with(".j2");
    const bool is_go = model_.ends_with(".gotmpl") || model_.ends_with(".tmpl");
    if (is_jinja || is_go || model_.ends_with(".txt")) {
      try {
        const std::string text = read_input(model_);
        using enum chat::TemplateLanguage;
        return {is_jinja ? kJinja : is_go ? kGo : chat::language_of(text), text, model_};
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kInvalidArgument) throw;
        fail(ErrorCode::kInvalidFile,
             str(error.message(), "; it has to be a template in ", is_go ? "Go's language" : "Jinja"));
      }
    }
    const ModelSource source = find_model(session, model_);
    return chat::ChatTemplate::of(open_source(source)->metadata(), source.stored.template_text);
  }

  std::string model_;
  std::string messages_;
  std::string tools_;
  std::vector<std::string> variables_;
  bool no_generation_prompt_ = false;
};

}  // namespace

Command template_command() {
  return {"template",
          "",
          "Show the prompt that messages become",
          "Renders the chat template of a model, or one in a file: .jinja and .j2 are Jinja, .gotmpl and .tmpl are "
          "Go's, .txt is what it "
          "looks like. A model without a template "
          "has ChatML where its vocabulary knows it, else the texts alone. In an object given with --messages, "
          "\"tools\" is "
          "taken too, and every other key is a name that the template sees.",
          "echo '[{\"role\": \"user\", \"content\": \"Hi\"}]' | kinglet template smollm2:135m --messages -\n"
          "kinglet template chat.jinja --messages chat.json --set bos_token='\"<s>\"'",
          make_action<Template>};
}

}  // namespace kinglet::cli
