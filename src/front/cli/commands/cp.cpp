// kinglet cp: a second name for a model.
#include "front/cli/commands/commands.h"
#include "front/cli/session.h"
#include "home/store/store.h"

namespace kinglet::cli {
namespace {

class Copy final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("SOURCE", source_, "The model").is_model = true;
    arguments.argument("DESTINATION", destination_, "Its second name");
  }

  void run(Session& session) override {
    session.store().copy(store::ModelName::parse(source_), store::ModelName::parse(destination_));
    session.note(str("Copied ", source_, " to ", destination_, "."));
  }

 private:
  std::string source_;
  std::string destination_;
};

}  // namespace

Command cp_command() {
  return {"cp",
          "",
          "Give a model a second name",
          "The bytes are shared, so this costs no room.",
          "kinglet cp smollm2:135m mine",
          make_action<Copy>};
}

}  // namespace kinglet::cli
