// Two calls of two tools, as the kit's templates spell them.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reply_samples.h"

namespace kinglet::tests {

inline const Json& weather_tools() {
  static const Json tools = Json::parse(R"([
    {"type": "function", "function": {"name": "get_weather", "description": "Weather.", "parameters": {
      "type": "object", "additionalProperties": false, "required": ["city"], "properties": {
        "city": {"type": "string", "description": "A city."},
        "days": {"type": "integer", "description": "How many."},
        "opt": {"type": "object", "description": "More.", "additionalProperties": {"type": "string"}}}}}},
    {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {
      "type": "object", "additionalProperties": false, "required": ["xs"], "properties": {
        "xs": {"type": "array", "description": "Numbers.", "items": {"type": "number"}},
        "ok": {"type": "boolean", "description": "Whether."}}}}}])",
                                        "tools");
  return tools;
}

inline const Json& first_arguments() {
  static const Json value =
      Json::parse(R"({"city": "Paris", "days": 3, "opt": {"a": [1, null], "b": "x\"y"}})", "arguments");
  return value;
}

inline const Json& second_arguments() {
  static const Json value = Json::parse(R"({"xs": [1.5, 2], "ok": true})", "arguments");
  return value;
}

inline std::vector<std::string> template_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kit() + "/templates")) {
    if (entry.path().extension() == ".jinja") names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

inline chat::ChatTemplate template_of(const std::string& name) {
  return {chat::TemplateLanguage::kJinja, system::read_file(kit() + "/templates/" + name, 1 << 20), name, "<BOS>",
          "<EOS>"};
}

// What models of these templates write; the templates themselves write no call of an answer's (they expect it in the
// text), or refuse one, as Jinja2 does.
inline const std::map<std::string, std::string>& replies_by_hand() {
  static const std::string kFirst = R"({"city": "Paris", "days": 3, "opt": {"a": [1, null], "b": "x\"y"}})";
  static const std::string kSecond = R"({"xs": [1.5, 2], "ok": true})";
  static const std::string kPython =
      R"([get_weather(city="Paris", days=3, opt={"a": [1, None], "b": 'x"y'}), add(xs=[1.5, 2], ok=True)])";
  static const std::string kKimi =
      "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>" + kFirst +
      "<|tool_call_end|><|tool_call_begin|>functions.add:1<|tool_call_argument_begin|>" + kSecond +
      "<|tool_call_end|><|tool_calls_section_end|>";
  static const std::string kHermes = "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": " + kFirst +
                                     "}\n</tool_call>\n<tool_call>\n{\"name\": \"add\", \"arguments\": " + kSecond +
                                     "}\n</tool_call>";
  static const std::string kObjects =
      R"([{"name": "get_weather", "arguments": )" + kFirst + R"(}, {"name": "add", "arguments": )" + kSecond + "}]";
  static const std::string kCohere = R"([{"tool_name": "get_weather", "parameters": )" + kFirst +
                                     R"(}, {"tool_name": "add", "parameters": )" + kSecond + "}]";
  static const std::map<std::string, std::string> replies = {
      {"HuggingFaceTB-SmolLM3-3B.jinja", kHermes},
      {"LFM2-8B-A1B.jinja", "<|tool_call_start|>" + kPython + "<|tool_call_end|>"},
      {"LFM2.5-Instruct.jinja", kPython},
      {"google-gemma-2-2b-it.jinja", "```tool_code\n" + kPython.substr(1, kPython.size() - 2) + "\n```"},
      {"llama-cpp-rwkv-world.jinja", kHermes},
      {"microsoft-Phi-3.5-mini-instruct.jinja", kPython},
      {"ibm-granite-granite-3.3-2B-Instruct.jinja", "<|tool_call|>" + kObjects},
      {"CohereForAI-c4ai-command-r-plus-tool_use.jinja", "Action: ```json\n" + kCohere + "\n```"},
      {"Kimi-K2-Instruct.jinja", kKimi},
      {"Kimi-K2-Thinking.jinja", kKimi},
      {"llama-cpp-deepseek-r1.jinja",
       "<\xEF\xBD\x9Ctool\xE2\x96\x81"
       "calls\xE2\x96\x81"
       "begin\xEF\xBD\x9C><\xEF\xBD\x9Ctool\xE2\x96\x81"
       "call\xE2\x96\x81"
       "begin\xEF\xBD\x9C>function<\xEF\xBD\x9Ctool\xE2\x96\x81sep\xEF\xBD\x9C>get_weather\n```json\n" +
           kFirst +
           "\n```<\xEF\xBD\x9Ctool\xE2\x96\x81"
           "call\xE2\x96\x81"
           "end\xEF\xBD\x9C>\n<\xEF\xBD\x9Ctool\xE2\x96\x81"
           "call\xE2\x96\x81"
           "begin\xEF\xBD\x9C>function<\xEF\xBD\x9Ctool\xE2\x96\x81sep\xEF\xBD\x9C>add\n```json\n" +
           kSecond +
           "\n```<\xEF\xBD\x9Ctool\xE2\x96\x81"
           "call\xE2\x96\x81"
           "end\xEF\xBD\x9C><\xEF\xBD\x9Ctool\xE2\x96\x81"
           "calls\xE2\x96\x81"
           "end\xEF\xBD\x9C>"},
      // Its history has a call only beside an answer's text.
      {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja", ""},
  };
  return replies;
}

inline Json call(const std::string& id, const std::string& name, const Json& arguments, bool as_text) {
  const Json value = as_text ? Json(arguments.dump()) : arguments;
  return JsonObject{{"id", id}, {"type", "function"}, {"function", JsonObject{{"name", name}, {"arguments", value}}}};
}

// An answer that calls, as the template spells it: both calls, or the first where it refuses two; arguments as an
// object, or as text where it wants that.
inline std::optional<SpelledReply> spelled_calls(const chat::ChatTemplate& chat, const std::string& thinking) {
  for (const bool as_text : {false, true}) {
    for (const size_t n : {2, 1}) {
      JsonArray calls{call("call00001", "get_weather", first_arguments(), as_text),
                      call("call00002", "add", second_arguments(), as_text)};
      calls.resize(n);
      Json answer = JsonObject{{"role", "assistant"}, {"content", ""}, {"tool_calls", calls}};
      for (const char* key : {"reasoning_content", "thinking", "reasoning"}) {
        if (!thinking.empty()) answer.set(key, thinking);
      }
      try {
        return SpelledReply(chat, weather_tools(), answer);
      } catch (const Error&) {  // the next one
      }
    }
  }
  return std::nullopt;
}

}  // namespace kinglet::tests
