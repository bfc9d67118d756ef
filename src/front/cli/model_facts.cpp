#include "front/cli/model_facts.h"

#include <algorithm>
#include <array>
#include <map>

#include "front/cli/human.h"
#include "home/store/modelfile.h"
#include "model/format/inspect.h"
#include "model/format/printable.h"
#include "model/models/models.h"

namespace kinglet::cli {
namespace {

constexpr size_t kLicenseLines = 3;
constexpr size_t kLabels = 12;

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

std::string first_lines(std::string_view text, size_t n) {
  size_t at = 0;
  for (size_t i = 0; i < n && at < text.size(); ++i) at = std::min(text.find('\n', at), text.size() - 1) + 1;
  return std::string(text.substr(0, at)) + (at < text.size() ? "...\n" : "");
}

// What a file is for.
std::string capabilities_of(const format::ModelFile& file, std::string_view architecture) {
  const models::Architecture* known = models::find_architecture(architecture);
  if (known == nullptr) return "";
  const auto pooling = file.metadata().get<uint32_t>(str(architecture, ".pooling_type"));
  const format::TensorEntry* scores = file.find("cls.output.weight");
  if (scores == nullptr) return known->blocks.head == nullptr || pooling ? "embedding" : "completion";
  if (pooling == 0U) return "classification of tokens";
  const bool is_reranker = scores->n_rows() == 1 || file.metadata().find("tokenizer.chat_template.rerank") != nullptr;
  return is_reranker ? "rerank" : "classification";
}

std::string labels_of(const format::Metadata& metadata, std::string_view architecture) {
  std::string labels;
  const auto* names = metadata.array(str(architecture, ".classifier.output_labels"));
  if (names == nullptr || names->element != format::ValueType::kString) return labels;
  for (size_t i = 0; i < std::min<size_t>(names->size, kLabels); ++i)
    labels += str(i == 0 ? "" : ", ", format::printable(names->string(i)));
  return names->size > kLabels ? str(labels, ", ... (", names->size, ")") : labels;
}

std::string indented(std::string_view text, size_t indent) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    out += str(std::string(indent, ' '), text.substr(at, end - at), '\n');
    at = end + 1;
  }
  return out;
}

}  // namespace

std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows, size_t indent) {
  size_t width = 0;
  for (const auto& [label, value] : rows) width = std::max(width, label.size());
  std::string out;
  for (const auto& [label, value] : rows) {
    out += str(std::string(indent, ' '), label, std::string(width - label.size() + 4, ' '), value, '\n');
  }
  return out;
}

std::string modelfile_of(const ModelSource& source) {
  using enum store::Instruction::Command;
  store::Modelfile file;
  const auto add = [&](store::Instruction::Command command, std::string name, std::string value) {
    file.instructions.push_back({command, std::move(name), std::move(value), 0});
  };
  const store::StoredModel& stored = source.stored;
  add(kFrom, "", source.path);
  for (const std::string& path : stored.adapter_paths) add(kAdapter, "", path);
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

std::vector<std::pair<std::string, std::string>> model_rows(const format::ModelFile& file) {
  const format::Metadata& metadata = file.metadata();
  std::vector<std::pair<std::string, std::string>> rows;
  const auto architecture = metadata.get<std::string_view>("general.architecture");
  const auto add_count = [&](std::string_view label, std::string_view key) {
    if (!architecture) return;
    if (const auto n = metadata.get<uint64_t>(str(*architecture, '.', key))) rows.emplace_back(label, str(*n));
  };
  if (architecture) rows.emplace_back("architecture", format::printable(*architecture));
  if (const auto name = metadata.get<std::string_view>("general.name"))
    rows.emplace_back("name", format::printable(*name));
  rows.emplace_back("parameters", human_count(parameter_count(file)));
  add_count("context length", "context_length");
  add_count("embedding length", "embedding_length");
  add_count("layers", "block_count");
  if (const auto* tokens = metadata.array("tokenizer.ggml.tokens")) rows.emplace_back("vocabulary", str(tokens->size));
  if (architecture) {
    if (std::string words = capabilities_of(file, *architecture); !words.empty())
      rows.emplace_back("capabilities", std::move(words));
    if (std::string labels = labels_of(metadata, *architecture); !labels.empty())
      rows.emplace_back("labels", std::move(labels));
  }
  rows.emplace_back("quantization", quantization_of(file));
  rows.emplace_back("size", human_bytes(file.file_bytes()));
  return rows;
}

std::string license_of(const ModelSource& source, const format::ModelFile& file) {
  if (!source.stored.license.empty()) return source.stored.license;
  const auto license = file.metadata().get<std::string_view>("general.license");
  return license ? format::printable(*license) : "";
}

std::string parameters_text(const chat::Settings& settings) {
  std::vector<std::pair<std::string, std::string>> rows;
  const system::Json changed = settings.changed();
  for (const auto& [name, value] : changed.as_object("parameters")) {
    if (!value.is_array()) {
      rows.emplace_back(name, value.dump());
      continue;
    }
    for (const system::Json& element : value.as_array(name)) rows.emplace_back(name, element.dump());
  }
  return two_columns(rows, 0);
}

std::string facts_of(const ModelSource& source, const format::ModelFile& file) {
  std::string text = "  Model\n" + two_columns(model_rows(file), 4);
  const auto section = [&](std::string_view title, const std::string& body) {
    if (!body.empty()) text += str("\n  ", title, '\n', indented(body, 4));
  };
  chat::Settings settings;
  settings.take(file.metadata());
  settings.take(source.stored.parameters);
  section("Parameters", parameters_text(settings));
  section("System", source.stored.system);
  section("License", first_lines(license_of(source, file), kLicenseLines));
  return text;
}

}  // namespace kinglet::cli
