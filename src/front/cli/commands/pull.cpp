// kinglet pull: models from registries.
#include "front/cli/commands/commands.h"
#include "front/cli/human.h"
#include "front/cli/model_argument.h"

namespace kinglet::cli {
namespace {

class Pull final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("MODEL", model_, "smollm2:135m, hf.co/USER/REPO:Q4_K_M, or HOST/NAMESPACE/NAME:TAG");
  }

  void run(Session& session) override {
    const store::StoredModel model = pull_model(session, store::ModelName::parse(model_));
    session.note(str("Pulled ", model.name.to_string(), ", ", human_bytes(model.size_bytes), "."));
  }

 private:
  std::string model_;
};

}  // namespace

Command pull_command() {
  return {"pull",
          "",
          "Get a model from a registry",
          "Goes on where an earlier pull was interrupted, and checks every digest. A token for Hugging Face comes from "
          "HF_TOKEN "
          "or its own file (~/.cache/huggingface/token).",
          "kinglet pull smollm2:135m\nkinglet pull hf.co/bartowski/SmolLM2-135M-Instruct-GGUF:Q4_K_M",
          make_action<Pull>};
}

}  // namespace kinglet::cli
