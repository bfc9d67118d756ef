// kinglet rm: removes models.
#include "front/cli/commands/commands.h"
#include "front/cli/session.h"
#include "home/store/store.h"

namespace kinglet::cli {
namespace {

class Remove final : public Action {
 public:
  void declare(Arguments& arguments) override { arguments.rest("MODEL", models_, "The models").is_model = true; }

  void run(Session& session) override {
    if (models_.empty()) fail(ErrorCode::kInvalidArgument, "rm: MODEL is missing; usage: kinglet rm MODEL...");
    for (const std::string& model : models_) {
      session.store().remove(store::ModelName::parse(model));
      session.note(str("Removed ", model, "."));
    }
  }

 private:
  std::vector<std::string> models_;
};

}  // namespace

Command rm_command() {
  return {"rm",
          "",
          "Remove models",
          "What no other model uses is deleted. Models of other programs' stores are left alone.",
          "kinglet rm smollm2:135m",
          make_action<Remove>};
}

}  // namespace kinglet::cli
