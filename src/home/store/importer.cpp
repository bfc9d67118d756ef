#include "home/store/importer.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "core/base/base.h"
#include "home/store/quant_tag.h"
#include "home/system/system.h"
#include "model/format/format.h"
#include "model/format/gguf_split.h"
#include "model/format/inspect.h"
#include "model/format/printable.h"

namespace kinglet::store {
namespace {

namespace fs = std::filesystem;
using format::Inspection;
using system::Json;
using system::JsonObject;

constexpr size_t kMaxFolderFiles = 400;  // each is held open until the model is written

// "SmolLM2-135M-Instruct.Q4_1.gguf" becomes smollm2-135m-instruct:q4_1.
ModelName suggested_name(std::string_view file_name) {
  const FileWords words = read_file_words(file_name);
  const auto cleaned = [](std::string_view text) {
    std::string out;
    for (const char c : text) {
      const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      const bool plain = (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9');
      const bool inner = !out.empty() && std::string_view("-_.").find(small) != std::string_view::npos;
      if (plain || inner) {
        out.push_back(small);
      } else if (!out.empty() && out.back() != '-') {
        out.push_back('-');
      }
    }
    while (!out.empty() && std::string_view("-_.").find(out.back()) != std::string_view::npos) out.pop_back();
    return out.substr(0, 100);
  };
  const std::string name = cleaned(words.name);
  if (name.empty()) fail(ErrorCode::kInvalidArgument, "the file's name gives no name for a model; say one");
  return ModelName::parse(words.quant.empty() ? name : str(name, ':', cleaned(words.quant)));
}

// Throws for what cannot be a model of ours, and for values that are not finite. `label` names the file for people.
void check_values(const Inspection& inspection, const std::string& label, Reporter& reporter) {
  if (inspection.model() == nullptr) {
    fail_with(ErrorCode::kUnsupported, label, ": has tensors only; name the folder that has its config.json, too");
  }
  reporter.begin(Step::kCheck, label, inspection.file_bytes());
  std::vector<std::string> not_checked;
  const std::vector<format::NotFinite> bad =
      inspection.check(not_checked, [&](uint64_t n_bytes) { reporter.advance_to(n_bytes); });
  if (!bad.empty()) {
    fail_with(ErrorCode::kInvalidFile, label, ": tensor ", bad.front().tensor, " has the value ", bad.front().value,
              " at element ", bad.front().element_idx,
              bad.size() > 1 ? str("; ", bad.size() - 1, " other tensors have such values, too") : "");
  }
  if (!not_checked.empty()) {
    fail_with(ErrorCode::kUnsupported, label, ": tensor ", not_checked.front(), " is of a type that cannot be read");
  }
}

// "134.52M", "1.2B": as Ollama rounds it.
std::string parameter_count(uint64_t n) {
  const auto shown = [&](uint64_t unit, uint64_t n_parts, char letter) {
    const uint64_t parts = (n * n_parts + unit / 2) / unit;
    if (n % unit == 0 || n_parts == 1) return str(parts / n_parts, letter);
    const std::string digits = str(n_parts + parts % n_parts);
    return str(parts / n_parts, '.', std::string_view(digits).substr(1), letter);
  };
  if (n >= 1'000'000'000) return shown(1'000'000'000, 10, 'B');
  if (n >= 1'000'000) return shown(1'000'000, 100, 'M');
  return n >= 1000 ? shown(1000, 1, 'K') : str(n);
}

// What Ollama's config blob says of a model.
std::string config_text(const Inspection& inspection) {
  const format::ModelFile& model = *inspection.model();
  uint64_t n_parameters = 0;
  std::map<std::string, uint64_t> bytes_of_type;
  for (const format::TensorEntry& tensor : model.tensors()) {
    n_parameters += tensor.n_rows() * tensor.dims[0];
    bytes_of_type[format::gguf_type_name(tensor.type_id)] += tensor.size_bytes;
  }
  const auto most = std::ranges::max_element(bytes_of_type, {}, [](const auto& row) { return row.second; });
  const auto family = model.metadata().get<std::string_view>("general.architecture").value_or("unknown");
  return Json(JsonObject{{"model_format", inspection.kind().starts_with("GGUF") ? "gguf" : "safetensors"},
                         {"model_family", format::printable(family)},
                         {"model_families", system::JsonArray{format::printable(family)}},
                         {"model_type", parameter_count(n_parameters)},
                         {"file_type", most != bytes_of_type.end() ? most->first : "unknown"},
                         {"architecture", "amd64"},
                         {"os", "linux"}})
             .dump() +
         '\n';
}

// Settings, words and weights; not pictures, pickles or a second format of the weights. Of some families README.md
// alone says what a model is for (format::HfFamily::called).
bool belongs_to_model(std::string_view name) {
  if (name.starts_with('.')) return false;
  for (const std::string_view ending : {".json", ".safetensors", ".jinja", ".txt", ".model"}) {
    if (name.ends_with(ending)) return true;
  }
  return name == "LICENSE" || name == "README.md";
}

// Of a folder, and of those within it that hold modules (1_Pooling) or more chat templates. Sorted.
std::vector<std::string> files_of_model(const std::string& path) {
  std::vector<std::string> files;
  const auto take = [&](const fs::directory_entry& entry, const std::string& folder) {
    const std::string name = entry.path().filename().string();
    if (!belongs_to_model(name) || !entry.is_regular_file()) return;
    if (!is_plain_file_name(folder + name)) {
      fail_with(ErrorCode::kUnsupported, path, ": the name of its file \"", format::printable(folder + name),
                "\" has spaces or signs that cannot be kept; rename it, or take it away");
    }
    files.push_back(folder + name);
  };
  for (const auto& entry : fs::directory_iterator(path)) {
    take(entry, "");
    const std::string name = entry.path().filename().string();
    const bool is_module = name.size() > 2 && name[0] >= '0' && name[0] <= '9' && name[1] == '_';
    if (!entry.is_directory() || !(is_module || name == "additional_chat_templates")) continue;
    for (const auto& inner : fs::directory_iterator(entry.path())) take(inner, name + '/');
  }
  std::ranges::sort(files);
  return files;
}

bool is_in_parts(const format::ModelFile& model) {
  return model.kind().starts_with("GGUF") && format::n_splits(*format::open_gguf(model.path())) > 1;
}

void write_whole(const format::ModelFile& model, const format::GgufWriter::Sink& sink) {
  format::GgufWriter writer;
  writer.add_values(model.metadata());
  for (const format::TensorEntry& tensor : model.tensors()) {
    if (tensor.format == nullptr) {
      fail_with(ErrorCode::kUnsupported, model.path(), ": tensor ", format::printable(std::string(tensor.name)),
                " is of a type that cannot be read");
    }
    writer.add_tensor(tensor.name, *tensor.format, std::span(tensor.dims).first(tensor.n_dims),
                      std::span(tensor.data, tensor.size_bytes));
  }
  writer.write(sink);
}

// One import. Names are settled before anything is written.
class Import {
 public:
  Import(const OwnFolder& folder, const std::optional<ModelName>& name, system::Content content,
         const StoreOptions& options, Reporter& reporter)
      : folder_(folder), name_(name), content_(content), options_(options), reporter_(reporter) {}

  Imported gguf(const std::string& path);
  Imported made(const MadeFile& file, const ModelName& name);
  Imported wheel(const std::string& path);
  Imported model_folder(const std::string& path);

 private:
  [[nodiscard]] ModelName name_for(std::string_view file_name) const {
    return name_ ? *name_ : suggested_name(file_name);
  }
  void add(PinnedLayer layer) {
    layers_.push_back(std::move(layer.layer));
    pins_.push_back(std::move(layer.pin));
  }
  // `label` names the file for people: one that is made has a name of the store's.
  void check_runs(const format::ModelFile& model, const std::string& label) const {
    if (!options_.check) return;
    try {
      options_.check(model);
    } catch (const Error& error) {
      const std::string& message = error.message();
      fail_with(error.code(),
                message.starts_with(model.path()) ? label + message.substr(model.path().size()) : message);
    }
  }
  void check(const Inspection& inspection, const std::string& label) {
    if (inspection.model() != nullptr) check_runs(*inspection.model(), label);  // the quicker one first
    check_values(inspection, label, reporter_);
  }
  Imported finish(const Inspection& inspection, ModelName name) {
    PinnedLayer config = put_text(folder_, config_text(inspection), kConfigLayer);
    pins_.push_back(std::move(config.pin));
    return {{std::move(config.layer), std::move(layers_)}, std::move(pins_), std::move(name)};
  }

  const OwnFolder& folder_;
  const std::optional<ModelName>& name_;
  const system::Content content_;
  const StoreOptions& options_;
  Reporter& reporter_;
  std::vector<Layer> layers_;
  std::vector<Pin> pins_;
};

Imported Import::gguf(const std::string& path) {
  const std::string file_name = fs::path(path).filename().string();
  ModelName name = name_for(file_name);
  const Inspection inspection = Inspection::open(path, options_.families);
  if (const format::ModelFile* model = inspection.model(); model != nullptr && is_in_parts(*model)) {
    check_runs(*model, path);
    return made({path, model->file_bytes(), [model](const auto& sink) { write_whole(*model, sink); }}, name);
  }
  check(inspection, path);
  reporter_.begin(Step::kCopy, file_name, inspection.file_bytes());
  NewBlob blob(folder_);
  blob.take_file(path, content_, reporter_);
  add(blob.publish(kModelLayer));
  return finish(inspection, std::move(name));
}

Imported Import::made(const MadeFile& file, const ModelName& name) {
  NewBlob blob(folder_);
  write_made(folder_, file, blob, reporter_);
  const Inspection inspection = Inspection::open(blob.path(), options_.families);
  check(inspection, file.label);
  add(blob.publish(kModelLayer));
  return finish(inspection, name);
}

Imported Import::wheel(const std::string& path) {
  const system::ZipFile zip(path);
  std::vector<size_t> found;
  for (size_t i = 0; i < zip.entries().size(); ++i) {
    if (zip.entries()[i].name.ends_with(".gguf")) found.push_back(i);
  }
  if (found.empty()) fail_with(ErrorCode::kUnsupported, path, ": is an archive without a GGUF file");
  if (found.size() > 1) {
    fail_with(ErrorCode::kUnsupported, path, ": has ", found.size(), " GGUF files, such as ",
              format::printable(zip.entries()[found[0]].name), " and ", format::printable(zip.entries()[found[1]].name),
              "; unpack it and import one");
  }
  const system::ZipEntry& entry = zip.entries()[found[0]];
  // What the archive calls it is a text; the name is taken from behind its last slash, and cleaned.
  ModelName name = name_for(std::string_view(entry.name).substr(entry.name.rfind('/') + 1));
  const std::string label = str(path, ": ", format::printable(entry.name));
  require_space(folder_, label, entry.size_bytes);
  reporter_.begin(Step::kCopy, fs::path(path).filename().string(), entry.size_bytes);
  NewBlob blob(folder_);
  uint64_t n_done = 0;
  zip.read(found[0], [&](std::span<const std::byte> bytes) {
    if (n_done == 0 && !format::is_gguf(bytes)) {
      fail_with(ErrorCode::kInvalidFile, label, ": does not begin as a GGUF file does");
    }
    blob.write(bytes);
    reporter_.advance_to(n_done += bytes.size());
  });
  const Inspection inspection = Inspection::open(blob.path(), options_.families);
  check(inspection, label);
  add(blob.publish(kModelLayer));
  return finish(inspection, std::move(name));
}

Imported Import::model_folder(const std::string& path) {
  const fs::path absolute = fs::absolute(path).lexically_normal();
  ModelName name = name_for((absolute.has_filename() ? absolute : absolute.parent_path()).filename().string());
  const Inspection inspection = Inspection::open(path, options_.families);
  const std::vector<std::string> files = files_of_model(path);
  if (files.size() > kMaxFolderFiles) fail_with(ErrorCode::kUnsupported, path, ": has ", files.size(), " files");
  check(inspection, path);
  for (const std::string& file : files) {
    const std::string from = str(path, '/', file);
    reporter_.begin(Step::kCopy, file, system::facts_of(from).value_or(system::PathFacts{}).size_bytes);
    NewBlob blob(folder_);
    blob.take_file(from, content_, reporter_);
    add(blob.publish(kFileLayer));
    layers_.back().title = file;
  }
  return finish(inspection, std::move(name));
}

bool is_zip(const std::string& path) {
  const system::MappedFile file(path);
  const auto* const chars = reinterpret_cast<const char*>(file.bytes().data());
  return std::string_view(chars, file.bytes().size()).starts_with("PK\x03\x04");
}

}  // namespace

void write_made(const OwnFolder& folder, const MadeFile& file, NewBlob& blob, Reporter& reporter) {
  require_space(folder, file.label, file.size_bytes);
  reporter.begin(Step::kMake, file.label, file.size_bytes);
  uint64_t n_done = 0;
  file.write([&](std::span<const std::byte> bytes) {
    blob.write(bytes);
    reporter.advance_to(n_done += bytes.size());
  });
}

Imported import_made(const OwnFolder& folder, const MadeFile& file, const ModelName& name, const StoreOptions& options,
                     Reporter& reporter) {
  return Import(folder, name, system::Content::kNeverChanges, options, reporter).made(file, name);
}

Imported import_path(const OwnFolder& folder, const std::string& path, const std::optional<ModelName>& name,
                     system::Content content, const StoreOptions& options, Reporter& reporter) {
  const auto facts = system::facts_of(path);
  if (!facts) fail_with(ErrorCode::kNotFound, path, ": no such file");
  Import work(folder, name, content, options, reporter);
  if (facts->is_folder) return work.model_folder(path);
  return is_zip(path) ? work.wheel(path) : work.gguf(path);
}

}  // namespace kinglet::store
