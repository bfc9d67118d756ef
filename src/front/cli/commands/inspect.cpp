// kinglet inspect: what a model file holds.
#include "model/format/inspect.h"
#include "front/cli/commands/commands.h"
#include "front/cli/interrupt.h"
#include "front/cli/model_facts.h"
#include "front/cli/progress.h"
#include "model/models/models.h"

namespace kinglet::cli {
namespace {

std::string shape_text(const std::vector<uint64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += str(i == 0 ? "" : ", ", shape[i]);
  return text + "]";
}

class Inspect final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("FILE", path_, "A GGUF or safetensors file, an adapter, or a model folder").is_file = true;
    arguments.flag("--tensors", tensors_, "List the tensors too");
    arguments.flag("--check", check_, "Read every value and name tensors with NaN or infinity");
    arguments.flag("--json", json_, "One JSON document");
  }

  void run(Session& session) override {
    const format::Inspection inspection = format::Inspection::open(path_, models::hf_families());
    const std::vector<format::KeyRow> keys = inspection.keys();
    const std::vector<format::TensorRow> tensors = inspection.tensors();
    std::vector<std::string> not_checked;
    const std::vector<format::NotFinite> bad =
        check_ ? check(session, inspection, not_checked) : std::vector<format::NotFinite>();
    if (json_) {
      session.out().write(document(inspection, keys, tensors, bad, not_checked).dump(2) + '\n');
    } else {
      session.out().write(str(path_, ": ", inspection.kind(), ", ", inspection.file_bytes(), " bytes, ", keys.size(),
                              " keys, ", tensors.size(), " tensors\n"));
      std::vector<std::pair<std::string, std::string>> rows;
      for (const format::KeyRow& key : keys) {
        rows.emplace_back(key.key,
                          str(key.type, key.type.starts_with("array") ? str('[', key.size, ']') : "", "  ", key.value));
      }
      session.out().write(two_columns(rows, 2));
      if (tensors_) session.out().write(table_of(tensors));
      for (const std::string& name : not_checked)
        session.note(str("kinglet: ", name, ": its type cannot be decoded, so it was not checked"));
      if (check_ && bad.empty()) session.out().write("all values are finite\n");
    }
    if (bad.empty()) return;
    fail_with(ErrorCode::kInvalidFile, path_, ": tensor ", bad[0].tensor, ": element ", bad[0].element_idx, " is ",
              bad[0].value, bad.size() > 1 ? str(" (and ", bad.size() - 1, " more tensors)") : "");
  }

 private:
  static std::vector<format::NotFinite> check(Session& session, const format::Inspection& inspection,
                                              std::vector<std::string>& not_checked) {
    InterruptWatch interrupt;
    ProgressLine line(session.shows_progress());
    return inspection.check(not_checked, [&](uint64_t done) {
      interrupt.check();
      line.show("checking values", done, inspection.file_bytes());
    });
  }

  static std::string table_of(const std::vector<format::TensorRow>& tensors) {
    size_t name_width = 0;
    size_t shape_width = 0;
    for (const format::TensorRow& tensor : tensors) {
      name_width = std::max(name_width, tensor.name.size());
      shape_width = std::max(shape_width, shape_text(tensor.shape).size());
    }
    std::string out;
    for (const format::TensorRow& tensor : tensors) {
      const std::string shape = shape_text(tensor.shape);
      out += str("  ", tensor.name, std::string(name_width - tensor.name.size() + 2, ' '), shape,
                 std::string(shape_width - shape.size() + 2, ' '), tensor.type, "  ", tensor.size_bytes, " bytes at ",
                 tensor.file_offset, '\n');
    }
    return out;
  }

  system::Json document(const format::Inspection& inspection, const std::vector<format::KeyRow>& keys,
                        const std::vector<format::TensorRow>& tensors, const std::vector<format::NotFinite>& bad,
                        const std::vector<std::string>& not_checked) const {
    system::Json root;
    root.set("file", path_);
    root.set("kind", inspection.kind());
    root.set("size_bytes", inspection.file_bytes());
    system::JsonArray key_rows;
    for (const format::KeyRow& key : keys) {
      key_rows.push_back(
          system::JsonObject{{"key", key.key}, {"type", key.type}, {"value", key.value}, {"size", key.size}});
    }
    root.set("metadata", std::move(key_rows));
    root.set("n_tensors", tensors.size());
    if (tensors_) {
      system::JsonArray rows;
      for (const format::TensorRow& tensor : tensors) {
        system::JsonArray shape;
        for (const uint64_t dim : tensor.shape) shape.emplace_back(dim);
        rows.push_back(system::JsonObject{{"name", tensor.name},
                                          {"shape", std::move(shape)},
                                          {"type", tensor.type},
                                          {"size_bytes", tensor.size_bytes},
                                          {"offset", tensor.file_offset}});
      }
      root.set("tensors", std::move(rows));
    }
    if (check_) {
      system::JsonArray rows;
      for (const format::NotFinite& value : bad) {
        rows.push_back(
            system::JsonObject{{"tensor", value.tensor}, {"element", value.element_idx}, {"value", str(value.value)}});
      }
      root.set("not_finite", std::move(rows));
      system::JsonArray names;
      for (const std::string& name : not_checked) names.emplace_back(name);
      root.set("not_checked", std::move(names));
    }
    return root;
  }

  std::string path_;
  bool tensors_ = false;
  bool check_ = false;
  bool json_ = false;
};

}  // namespace

Command inspect_command() {
  return {"inspect",
          "",
          "Show metadata and tensors of a model file",
          "Ends with status 4, and says the place and the reason, where the file is damaged.",
          "kinglet inspect ./model.gguf --tensors\n"
          "kinglet inspect ./model.safetensors --json --check",
          make_action<Inspect>};
}

}  // namespace kinglet::cli
