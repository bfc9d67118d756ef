// Real tools and real calls (BFCL), spelled by a template of each format and read back.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "weather_calls.h"

namespace kinglet::tests {
namespace {

// Types as BFCL names them, in JSON Schema's words.
Json schema_of(const Json& bfcl) {
  if (bfcl.is_array()) {
    JsonArray values;
    for (const Json& value : bfcl.as_array("schema")) values.push_back(schema_of(value));
    return values;
  }
  if (!bfcl.is_object()) return bfcl;
  static const std::map<std::string, std::string> kTypes = {
      {"dict", "object"},     {"float", "number"},    {"tuple", "array"},      {"String", "string"},
      {"char", "string"},     {"HashMap", "object"},  {"ArrayList", "array"},  {"Array", "array"},
      {"Boolean", "boolean"}, {"long", "integer"},    {"double", "number"},    {"byte", "integer"},
      {"short", "integer"},   {"Integer", "integer"}, {"Hashtable", "object"}, {"Bigint", "integer"},
      {"Object", "object"}};
  JsonObject members;
  for (const auto& [key, value] : bfcl.as_object("schema")) {
    if (key == "type" && value.is_string()) {
      const std::string& type = value.as_string("type");
      if (type == "any") continue;
      const auto it = kTypes.find(type);
      members.emplace_back(key, it == kTypes.end() ? type : it->second);
    } else {
      members.emplace_back(key, schema_of(value));
    }
  }
  return members;
}

// The first of the values that are right; a dictionary has such a list for each member.
Json first_of(const Json& accepted) {
  const Json& value = accepted.as_array("accepted").at(0);
  if (!value.is_object()) return value;
  JsonObject members;
  for (const auto& [key, inner] : value.as_object("value")) {
    const bool has_list = inner.is_array() && !inner.as_array("inner").empty();
    members.emplace_back(key, has_list ? first_of(inner) : inner);
  }
  return members;
}

struct Case {
  Json tools;
  std::vector<std::pair<std::string, Json>> calls;
};

// Arguments whose value is of another type than the schema says are left out: no text without quotes can tell.
void add_call(const std::string& name, const Json& accepted, const chat::ToolSet& tools, Case& one) {
  const chat::Tool* tool = tools.find(name);
  ASSERT_NE(tool, nullptr) << name;
  Json arguments = JsonObject{};
  for (const auto& [key, values] : accepted.as_object("arguments")) {
    const Json value = first_of(values);
    if (value.is_string() && value.as_string("value").empty()) continue;  // may be left out
    const chat::ParameterKind kind = kind_of_parameter(*tool, key);
    if (kind == chat::ParameterKind::kEither || value.is_string() != (kind == chat::ParameterKind::kString)) {
      continue;
    }
    arguments.set(key, value);
  }
  one.calls.emplace_back(name, arguments);
}

std::string lines_of(const std::string& name) {
  const std::string path = kit() + "/tools/BFCL_v4_" + name + ".jsonl";
  return std::filesystem::exists(path) ? system::read_file(path, 1 << 24) : unpacked(path + ".gz");
}

std::vector<Case> cases() {
  std::vector<Case> result;
  for (const std::string name :
       {"simple_python", "simple_java", "simple_javascript", "multiple", "parallel", "parallel_multiple"}) {
    std::map<std::string, Json> questions;
    for (const std::string& line : split(lines_of(name), "\n")) {
      if (line.empty()) continue;
      const Json question = Json::parse(line, name);
      questions[question.at("id").as_string("id")] = question.at("function");
    }
    for (const std::string& line : split(lines_of(name + ".answers"), "\n")) {
      if (line.empty()) continue;
      const Json answer = Json::parse(line, name);
      Case one;
      one.tools = JsonArray{};
      std::set<std::string> names;
      for (const Json& function : questions.at(answer.at("id").as_string("id")).as_array("function")) {
        if (!names.insert(function.at("name").as_string("name")).second) continue;
        one.tools.push(JsonObject{{"type", "function"}, {"function", schema_of(function)}});
      }
      const chat::ToolSet tools(one.tools);
      for (const Json& call : answer.at("ground_truth").as_array("ground_truth")) {
        for (const auto& [function, accepted] : call.as_object("call")) add_call(function, accepted, tools, one);
      }
      result.push_back(std::move(one));
    }
  }
  return result;
}

// One template for each format, that writes calls of an answer.
std::map<std::string, std::string> templates_by_format() {
  static const std::set<std::string> kLeftOut = {
      // These write no call, or refuse all (replies_kit_test.cpp), or need variables of their own.
      "HuggingFaceTB-SmolLM3-3B.jinja",
      "LFM2-8B-A1B.jinja",
      "LFM2.5-Instruct.jinja",
      "google-gemma-2-2b-it.jinja",
      "llama-cpp-rwkv-world.jinja",
      "microsoft-Phi-3.5-mini-instruct.jinja",
      "Kimi-K2-Instruct.jinja",
      "Kimi-K2-Thinking.jinja",
      "llama-cpp-deepseek-r1.jinja",
      "deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja",
      "ibm-granite-granite-3.3-2B-Instruct.jinja",
      "CohereForAI-c4ai-command-r-plus-tool_use.jinja"};
  std::map<std::string, std::string> names;
  for (const std::string& name : template_names()) {
    if (kLeftOut.contains(name)) continue;
    names.emplace(chat::ReplyFormat::of(template_of(name), nullptr).calls_name, name);
  }
  return names;
}

// Formats whose templates take one call an answer, and those that want arguments as text.
const std::set<std::string> kOneCall = {"llama3", "harmony", "gigachat3", "gigachat3.1"};
const std::set<std::string> kArgumentsAsText = {"functionary-v3.2"};

TEST(Calls, OfRealToolsAreReadBackInEachFormat) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  const std::vector<Case> all = cases();
  EXPECT_EQ(all.size(), 1150U);
  const size_t step = KINGLET_SANITIZED ? 60 : 2;
  size_t n_formats = 0;
  size_t n_calls = 0;
  for (const auto& [format_name, template_name] : templates_by_format()) {
    ++n_formats;
    const chat::ChatTemplate chat = template_of(template_name);
    const auto format = chat::ReplyFormat::of(chat, nullptr);
    size_t n_wrong = 0;
    size_t n_refused = 0;
    // Each answer in half of the formats, each format with half of the answers; fewer where sanitizers make it slow.
    for (size_t i = n_formats % step; i < all.size(); i += step) {
      const Case& one = all[i];
      JsonArray calls;
      for (const auto& [name, arguments] : one.calls) {
        const bool as_text = kArgumentsAsText.contains(format_name);
        calls.push_back(JsonObject{
            {"id", str("call0", 1000 + calls.size())},
            {"type", "function"},
            {"function", JsonObject{{"name", name}, {"arguments", as_text ? Json(arguments.dump()) : arguments}}}});
        if (kOneCall.contains(format_name)) break;
      }
      std::optional<SpelledReply> spelled;
      try {
        spelled.emplace(chat, one.tools, JsonObject{{"role", "assistant"}, {"content", ""}, {"tool_calls", calls}});
      } catch (const Error&) {
        ++n_refused;
        continue;
      }
      const chat::ToolSet tools(one.tools);
      const ReadReply reply =
          read_in_pieces(format, tools, format.opened_by(spelled->prompt), spelled->reply, 1 + i % 7);
      bool is_right = reply.calls.size() == calls.size() && reply.text.empty() && reply.complete;
      for (size_t k = 0; is_right && k < calls.size(); ++k) {
        is_right = reply.calls[k].first == one.calls[k].first &&
                   sorted(Json::parse(reply.calls[k].second, "arguments")) == sorted(one.calls[k].second);
      }
      n_calls += calls.size();
      // Texts of digits in lists whose schema names no type are numbers without quotes: some answers of its notation.
      const bool is_open = format_name == "minimax-m3";
      if (!is_right && !is_open && ++n_wrong <= 3) {
        std::string got = reply.text;
        for (const auto& [name, arguments] : reply.calls) got += "\n  " + name + arguments;
        ADD_FAILURE() << format_name << " (" << template_name << "), answer " << i << ": " << spelled->prompt << "|||"
                      << spelled->reply << "\n got " << got;
      }
    }
    EXPECT_EQ(n_wrong, 0U) << format_name;
    EXPECT_EQ(n_refused, 0U) << format_name;
  }
  EXPECT_EQ(n_formats, 33U);
  EXPECT_GE(n_calls, KINGLET_SANITIZED ? 700U : 25'000U);
}

}  // namespace
}  // namespace kinglet::tests
