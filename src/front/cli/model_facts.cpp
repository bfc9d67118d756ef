#include "front/cli/model_facts.h"

#include <algorithm>

#include "front/cli/human.h"
#include "model/format/printable.h"

namespace kinglet::cli {
namespace {

constexpr size_t kLicenseLines = 3;
constexpr size_t kLabels = 12;

std::string first_lines(std::string_view text, size_t n) {
  size_t at = 0;
  for (size_t i = 0; i < n && at < text.size(); ++i) at = std::min(text.find('\n', at), text.size() - 1) + 1;
  return std::string(text.substr(0, at)) + (at < text.size() ? "...\n" : "");
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

std::vector<std::pair<std::string, std::string>> model_rows(const format::ModelFile& file,
                                                            const chat::Capabilities& capabilities) {
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
    std::string words;
    for (const std::string_view word : capabilities.names()) words += str(words.empty() ? "" : ", ", word);
    if (!words.empty()) rows.emplace_back("capabilities", std::move(words));
    if (std::string labels = labels_of(metadata, *architecture); !labels.empty())
      rows.emplace_back("labels", std::move(labels));
  }
  rows.emplace_back("quantization", quantization_of(file));
  rows.emplace_back("size", human_bytes(file.file_bytes()));
  return rows;
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
  const chat::Capabilities capabilities = chat::capabilities_of(file, source.stored.template_text);
  std::string text = "  Model\n" + two_columns(model_rows(file, capabilities), 4);
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
