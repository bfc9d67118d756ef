// Calls of tools and thinking: what each of the kit's templates spells is read back.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "reply_samples.h"

namespace kinglet::tests {
namespace {

const Json& weather_tools() {
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

const Json& first_arguments() {
  static const Json value =
      Json::parse(R"({"city": "Paris", "days": 3, "opt": {"a": [1, null], "b": "x\"y"}})", "arguments");
  return value;
}

const Json& second_arguments() {
  static const Json value = Json::parse(R"({"xs": [1.5, 2], "ok": true})", "arguments");
  return value;
}

std::vector<std::string> template_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kit() + "/templates")) {
    if (entry.path().extension() == ".jinja") names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

chat::ChatTemplate template_of(const std::string& name) {
  return {chat::TemplateLanguage::kJinja, system::read_file(kit() + "/templates/" + name, 1 << 20), name, "<BOS>",
          "<EOS>"};
}

// What models of these templates write; the templates themselves write no call of an answer's (they expect it in the
// text), or refuse one, as Jinja2 does.
const std::map<std::string, std::string>& replies_by_hand() {
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

Json call(const std::string& id, const std::string& name, const Json& arguments, bool as_text) {
  const Json value = as_text ? Json(arguments.dump()) : arguments;
  return JsonObject{{"id", id}, {"type", "function"}, {"function", JsonObject{{"name", name}, {"arguments", value}}}};
}

// An answer that calls, as the template spells it: both calls, or the first where it refuses two; arguments as an
// object, or as text where it wants that.
std::optional<SpelledReply> spelled_calls(const chat::ChatTemplate& chat, const std::string& thinking) {
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

void expect_calls(const ReadReply& reply, size_t n_calls) {
  EXPECT_TRUE(reply.complete);
  ASSERT_EQ(reply.calls.size(), n_calls);
  EXPECT_EQ(reply.calls[0].first, "get_weather");
  EXPECT_EQ(sorted(Json::parse(reply.calls[0].second, "arguments")), sorted(first_arguments()));
  if (n_calls < 2) return;
  EXPECT_EQ(reply.calls[1].first, "add");
  EXPECT_EQ(sorted(Json::parse(reply.calls[1].second, "arguments")), sorted(second_arguments()));
}

TEST(Replies, CallsOfEveryTemplateAreReadBack) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  const chat::ToolSet tools(weather_tools());
  size_t n = 0;
  std::set<std::string> one_call;
  for (const std::string& name : template_names()) {
    const chat::ChatTemplate chat = template_of(name);
    const auto format = chat::ReplyFormat::of(chat, nullptr);
    const auto by_hand = replies_by_hand().find(name);
    std::string opened;
    std::string text;
    if (by_hand != replies_by_hand().end()) {
      text = by_hand->second;
    } else {
      const std::optional<SpelledReply> spelled = spelled_calls(chat, "");
      if (!spelled) {
        ADD_FAILURE() << name << " refuses all calls";
        continue;
      }
      opened = format.opened_by(spelled->prompt);
      text = spelled->reply;
    }
    if (text.empty()) continue;
    ++n;
    const size_t n_calls = text.find("1.5") == std::string::npos ? 1 : 2;
    if (n_calls == 1) one_call.insert(name);
    for (const size_t n_bytes : {0, 1, 2, 3, 5, 7, 16}) {
      SCOPED_TRACE(str(name, " (", format.calls_name, "), ", n_bytes, " bytes a piece of: ", opened, "|||", text));
      const ReadReply reply = read_in_pieces(format, tools, opened, text, n_bytes);
      EXPECT_EQ(reply.text, "");
      EXPECT_EQ(reply.thinking, "");
      expect_calls(reply, n_calls);
      if (HasFailure()) break;
    }
  }
  EXPECT_EQ(n, 69U);
  const std::set<std::string> kOneCall = {"GigaChat3-10B-A1.8B.jinja",
                                          "GigaChat3.1-10B-A1.8B.jinja",
                                          "meta-llama-Llama-3.1-8B-Instruct.jinja",
                                          "meta-llama-Llama-3.2-3B-Instruct.jinja",
                                          "meta-llama-Llama-3.3-70B-Instruct.jinja",
                                          "openai-gpt-oss-120b.jinja"};
  EXPECT_EQ(one_call, kOneCall);
}

// Templates that write the thinking of an answer with calls; a model's own is between the same marks.
TEST(Replies, ThinkingOfTemplatesIsReadBack) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  const chat::ToolSet tools(weather_tools());
  const std::string thought = "First this,\nthen <b>that</b>.";
  size_t n = 0;
  std::string without;
  for (const std::string& name : template_names()) {
    const chat::ChatTemplate chat = template_of(name);
    const auto format = chat::ReplyFormat::of(chat, nullptr);
    const std::optional<SpelledReply> spelled = spelled_calls(chat, thought);
    if (!spelled || spelled->reply.find(thought) == std::string::npos) {
      if (format.thinks()) without += name + " ";
      continue;
    }
    ++n;
    // Only the prompt has what opens the thinking of this family, not the history.
    const std::string opened = format.opened_by(format.thinking_name == "apriel" ? spelled->begin : spelled->prompt);
    for (const size_t n_bytes : {0, 1, 2, 3, 5, 7, 16}) {
      SCOPED_TRACE(str(name, " (", format.thinking_name, "), ", n_bytes, " bytes a piece of: ", spelled->prompt, "|||",
                       spelled->reply));
      const ReadReply reply = read_in_pieces(format, tools, opened, spelled->reply, n_bytes);
      EXPECT_EQ(reply.thinking, thought);
      EXPECT_EQ(reply.text, "");
      expect_calls(reply, spelled->reply.find("1.5") == std::string::npos ? 1 : 2);
      if (HasFailure()) break;
    }
  }
  EXPECT_GE(n, 30U) << without;
}

}  // namespace
}  // namespace kinglet::tests
