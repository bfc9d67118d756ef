// kinglet push: a model to its registry.
#include "front/cli/commands/commands.h"
#include "front/cli/interrupt.h"
#include "front/cli/progress.h"
#include "front/cli/session.h"
#include "home/store/store.h"

namespace kinglet::cli {
namespace {

class Push final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("MODEL", model_, "A model of this machine, named as HOST/NAMESPACE/NAME:TAG").is_model = true;
  }

  void run(Session& session) override {
    const store::ModelName name = store::ModelName::parse(model_);
    InterruptWatch interrupt;
    ProgressLine line(session.shows_progress());
    session.store().push(name, [&](const store::Progress& progress) {
      line.show(progress);
      return !interrupt.requested();
    });
    line.finish();
    session.note(str("Pushed ", name.to_string(), "."));
  }

 private:
  std::string model_;
};

}  // namespace

Command push_command() {
  return {
      "push",
      "",
      "Send a model to a registry",
      "The model's name says where it goes; `kinglet cp` gives a model such a name. What the registry has already is "
      "not sent again, and what broke off goes on.",
      "kinglet cp mine registry.example.org/me/mine:1\nkinglet push registry.example.org/me/mine:1",
      make_action<Push>};
}

}  // namespace kinglet::cli
