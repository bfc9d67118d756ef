#include "run/chat/model_facts.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "home/store/modelfile.h"
#include "model/format/inspect.h"
#include "model/format/printable.h"

namespace kinglet::chat {
namespace {

// general.file_type of GGUF. Source: enum llama_ftype in llama.h.
struct FileType {
  uint32_t id;
  std::string_view name;
};
constexpr std::array kFileTypes = {
    FileType{0, "F32"},      FileType{1, "F16"},     FileType{2, "Q4_0"},    FileType{3, "Q4_1"},
    FileType{7, "Q8_0"},     FileType{8, "Q5_0"},    FileType{9, "Q5_1"},    FileType{10, "Q2_K"},
    FileType{11, "Q3_K_S"},  FileType{12, "Q3_K_M"}, FileType{13, "Q3_K_L"}, FileType{14, "Q4_K_S"},
    FileType{15, "Q4_K_M"},  FileType{16, "Q5_K_S"}, FileType{17, "Q5_K_M"}, FileType{18, "Q6_K"},
    FileType{19, "IQ2_XXS"}, FileType{20, "IQ2_XS"}, FileType{21, "Q2_K_S"}, FileType{22, "IQ3_XS"},
    FileType{23, "IQ3_XXS"}, FileType{24, "IQ1_S"},  FileType{25, "IQ4_NL"}, FileType{26, "IQ3_S"},
    FileType{27, "IQ3_M"},   FileType{28, "IQ2_S"},  FileType{29, "IQ2_M"},  FileType{30, "IQ4_XS"},
    FileType{31, "IQ1_M"},   FileType{32, "BF16"},
};

system::Json json_of(const format::Array& array, bool verbose) {
  constexpr uint64_t kMost = 5;
  system::JsonArray values;
  if (array.size > kMost && !verbose) return values;
  if (array.element == format::ValueType::kString) {
    array.for_each_string([&](std::string_view text) { values.emplace_back(text); });
    return values;
  }
  const bool is_float = array.element == format::ValueType::kF32 || array.element == format::ValueType::kF64;
  for (uint64_t i = 0; i < array.size; ++i) {
    if (array.element == format::ValueType::kBool) {
      values.emplace_back(array.integer(i) != 0);
    } else if (is_float) {
      values.emplace_back(array.number(i));
    } else {
      values.emplace_back(array.integer(i));
    }
  }
  return values;
}

system::Json json_of(const format::MetaValue& value, bool verbose) {
  return std::visit(
      [&](const auto& data) -> system::Json {
        using Data = std::decay_t<decltype(data)>;
        if constexpr (std::same_as<Data, format::Array>) {
          return json_of(data, verbose);
        } else {
          return data;
        }
      },
      value.data);
}

// What Ollama's `show` calls parameters: a line each, names in a column, words in quotes.
std::string parameters_text(const system::Json& parameters) {
  constexpr size_t kColumn = 30;
  std::string text;
  if (parameters.is_null()) return text;
  const auto add = [&](const std::string& name, const system::Json& value) {
    text += str(text.empty() ? "" : "\n", name, std::string(name.size() < kColumn ? kColumn - name.size() : 0, ' '),
                ' ', value.dump());
  };
  for (const auto& [name, value] : parameters.as_object("parameters")) {
    if (!value.is_array()) {
      add(name, value);
      continue;
    }
    for (const system::Json& one : value.as_array(name)) add(name, one);
  }
  return text;
}

std::string template_of(const ModelSource& source, const format::ModelFile& file) {
  if (!source.stored.template_text.empty()) return source.stored.template_text;
  try {
    return ChatTemplate::of(file.metadata()).source();
  } catch (const Error&) {  // one that cannot be parsed is shown all the same
    const auto own = file.metadata().get<std::string_view>("tokenizer.chat_template");
    return std::string(own.value_or(""));
  }
}

}  // namespace

uint64_t parameter_count(const format::ModelFile& file) {
  uint64_t n = 0;
  for (const format::TensorEntry& tensor : file.tensors()) n += tensor.n_rows() * tensor.dims[0];
  return n;
}

std::string quantization_of(const format::ModelFile& file) {
  const auto id = file.metadata().get<uint32_t>("general.file_type");
  const auto* const known = id ? std::ranges::find(kFileTypes, *id, &FileType::id) : kFileTypes.end();
  if (known != kFileTypes.end()) return std::string(known->name);
  std::map<std::string, uint64_t> bytes;
  for (const format::TensorEntry& tensor : file.tensors())
    bytes[format::gguf_type_name(tensor.type_id)] += tensor.size_bytes;
  const auto most = std::ranges::max_element(bytes, {}, [](const auto& entry) { return entry.second; });
  return most == bytes.end() ? "" : most->first;
}

std::string parameter_size(uint64_t n_parameters) {
  const auto with_digits = [](double value, int n_digits, char unit) {
    char text[40];
    const int n = value == static_cast<double>(static_cast<uint64_t>(value)) ? 0 : n_digits;
    std::snprintf(text, sizeof(text), "%.*f%c", n, value, unit);
    return std::string(text);
  };
  const auto n = static_cast<double>(n_parameters);
  if (n_parameters >= 1'000'000'000) return with_digits(n / 1e9, 1, 'B');
  if (n_parameters >= 1'000'000) return with_digits(n / 1e6, 2, 'M');
  if (n_parameters >= 1'000) return with_digits(n / 1e3, 0, 'K');
  return str(n_parameters);
}

std::string license_of(const ModelSource& source, const format::ModelFile& file) {
  if (!source.stored.license.empty()) return source.stored.license;
  const auto license = file.metadata().get<std::string_view>("general.license");
  return license ? format::printable(*license) : "";
}

std::string modelfile_of(const ModelSource& source, const std::string& from) {
  using enum store::Instruction::Command;
  store::Modelfile file;
  const auto add = [&](store::Instruction::Command command, std::string name, std::string value) {
    file.instructions.push_back({command, std::move(name), std::move(value), 0});
  };
  const store::StoredModel& stored = source.stored;
  add(kFrom, "", from.empty() ? source.path : from);
  // A model that is named has its adapters.
  if (from.empty()) {
    for (const std::string& path : stored.adapter_paths) add(kAdapter, "", path);
  }
  if (!stored.template_text.empty()) add(kTemplate, "", stored.template_text);
  if (!stored.system.empty()) add(kSystem, "", stored.system);
  const auto text_of = [](const system::Json& value) {
    return value.is_string() ? value.as_string("value") : value.dump();
  };
  if (!stored.parameters.is_null()) {
    for (const auto& [name, value] : stored.parameters.as_object("parameters")) {
      if (value.is_array()) {
        for (const system::Json& one : value.as_array(name)) add(kParameter, name, text_of(one));
      } else {
        add(kParameter, name, text_of(value));
      }
    }
  }
  if (!stored.license.empty()) add(kLicense, "", stored.license);
  if (!stored.messages.is_null()) {
    for (const system::Json& message : stored.messages.as_array("messages")) {
      add(kMessage, message.at("role").as_string("role"), message.at("content").as_string("content"));
    }
  }
  return str("# A Modelfile of ", source.name, ", made by `kinglet show`. FROM may name the model instead:\n# FROM ",
             source.name, "\n\n", file.to_text());
}

ModelFacts read_facts(const ModelSource& source, const format::ModelFile& file) {
  const format::Metadata& metadata = file.metadata();
  ModelFacts facts;
  facts.format = file.kind().starts_with("GGUF") ? "gguf" : "safetensors";
  facts.n_parameters = parameter_count(file);
  facts.parameter_size = parameter_size(facts.n_parameters);
  facts.quantization = quantization_of(file);
  facts.capabilities = capabilities_of(file, source.stored.template_text);
  const auto family = metadata.get<std::string_view>("general.architecture");
  if (!family) return facts;
  facts.family = *family;
  facts.context_len = metadata.get<uint64_t>(str(*family, ".context_length")).value_or(0);
  facts.embedding_len = metadata.get<uint64_t>(str(*family, ".embedding_length")).value_or(0);
  return facts;
}

ModelDescription describe(const ModelSource& source, const format::ModelFile& file, bool verbose) {
  ModelDescription description;
  description.facts = read_facts(source, file);
  description.license = license_of(source, file);
  description.modelfile = modelfile_of(source, source.name);
  description.parameters = parameters_text(source.stored.parameters);
  description.template_text = template_of(source, file);
  description.system = source.stored.system;
  description.messages = source.stored.messages;
  description.model_info = system::JsonObject{};
  for (const auto& [key, value] : file.metadata().entries()) {
    if (key == "general.name" || key == "tokenizer.chat_template") continue;
    description.model_info.set(std::string(key), json_of(value, verbose));
  }
  description.model_info.set("general.parameter_count", description.facts.n_parameters);
  system::JsonArray tensors;
  for (const format::TensorEntry& tensor : file.tensors()) {
    system::JsonArray shape;
    for (uint32_t i = 0; i < tensor.n_dims; ++i) shape.emplace_back(tensor.dims[i]);
    tensors.push_back(system::JsonObject{
        {"name", tensor.name}, {"type", format::gguf_type_name(tensor.type_id)}, {"shape", std::move(shape)}});
  }
  description.tensors = std::move(tensors);
  return description;
}

std::shared_ptr<const ModelFacts> FactsCache::of(const store::StoredModel& model) {
  const Key key{str(model.digest, '\n', model.weights_path), model.digest.empty() ? model.modified_s : 0};
  {
    MutexLock lock(mutex_);
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
  }
  std::shared_ptr<const ModelFacts> facts;
  try {
    auto found = store_.find(model.name);  // with its words, which a list has not
    if (!found) return nullptr;
    const ModelSource source = source_of(std::move(*found));
    facts = std::make_shared<const ModelFacts>(read_facts(source, *models::open_file(source.path)));
  } catch (const Error&) {
    return nullptr;  // looked at again the next time
  }
  constexpr size_t kMost = 4096;
  MutexLock lock(mutex_);
  if (known_.size() >= kMost) known_.clear();
  known_.emplace(key, facts);
  return facts;
}

}  // namespace kinglet::chat
