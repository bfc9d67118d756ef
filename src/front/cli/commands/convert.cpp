// kinglet convert: a Hugging Face folder becomes a GGUF file.
#include <filesystem>

#include "front/cli/commands/commands.h"
#include "front/cli/human.h"
#include "front/cli/interrupt.h"
#include "front/cli/model_argument.h"
#include "front/cli/progress.h"
#include "front/cli/session.h"
#include "front/cli/written_model.h"
#include "home/system/file.h"

namespace kinglet::cli {
namespace {

class Convert final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("FOLDER", folder_, "A Hugging Face model folder").is_file = true;
    arguments.argument("OUT", out_, "The GGUF file to write").is_file = true;
    arguments.option("--type", "TYPE", type_,
                     "Of the matrices: f32, f16, bf16, q8_0 or a mixture, such as q4_k_m (default: the folder's own)");
    arguments.option("--base", "MODEL", base_, "For a PEFT adapter folder: the model that it is for").is_model = true;
  }

  void run(Session& session) override {
    if (!std::filesystem::is_directory(folder_)) {
      const bool is_there = std::filesystem::exists(folder_);
      fail_with(is_there ? ErrorCode::kUnsupported : ErrorCode::kNotFound, folder_,
                is_there ? ": is not a folder; a GGUF file is changed by quantize" : ": no such folder");
    }
    if (std::filesystem::exists(std::filesystem::path(folder_) / "adapter_config.json"))
      return convert_adapter(session);
    if (!base_.empty()) fail_with(ErrorCode::kInvalidArgument, "--base: ", folder_, " is no PEFT adapter");
    const WrittenModel model(folder_, type_);
    require_room(out_, model.size_bytes());
    InterruptWatch interrupt;
    ProgressLine line(session.shows_progress());
    system::AtomicFile file(out_);
    model.write(
        session, [&](std::span<const std::byte> bytes) { file.write(bytes); },
        [&](uint64_t done_bytes, uint64_t total_bytes) {
          line.show("Converting", done_bytes, total_bytes);
          return !interrupt.requested();
        });
    file.commit();
    line.finish();
    session.note(str("Wrote ", out_, ", ", human_bytes(file.size()), ", ", model.type(), "."));
  }

 private:
  void convert_adapter(Session& session) {
    if (base_.empty())
      fail_with(ErrorCode::kInvalidArgument, folder_, ": is a PEFT adapter; --base names the model that it is for");
    if (!type_.empty()) fail(ErrorCode::kInvalidArgument, "--type: adapters are written as f32");
    const auto model = models::Model::load(open_source(find_model(session, base_)), {{folder_}});
    system::AtomicFile file(out_);
    format::write_gguf_adapter(model->adapters()[0].adapter, model->adapter_target(),
                               [&](std::span<const std::byte> bytes) { file.write(bytes); });
    file.commit();
    session.note(str("Wrote ", out_, ", ", human_bytes(file.size()), ", a GGUF adapter."));
  }

  std::string base_;
  std::string folder_;
  std::string out_;
  std::string type_;
};

}  // namespace

Command convert_command() {
  return {
      "convert",
      "",
      "Write a Hugging Face folder as a GGUF file",
      "The file has the keys, names and layout that the field's converter gives, so that other programs load it too. "
      "Vectors, norms and routers stay F32; a mixture gives what `kinglet quantize` makes of the file. Every value is "
      "read: NaN or infinity is refused, and the tensor is named.\n\n"
      "With --base a PEFT adapter folder becomes a GGUF adapter.",
      "kinglet convert ./SmolLM2-135M smollm2.gguf --type bf16\n"
      "kinglet convert ./SmolLM2-135M small.gguf --type q4_k_m",
      make_action<Convert>};
}

}  // namespace kinglet::cli
