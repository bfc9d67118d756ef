#include "run/chat/fallback_templates.h"

#include <algorithm>
#include <array>

namespace kinglet::chat {
namespace {

constexpr std::string_view kChatMl = R"(
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %})";

constexpr std::string_view kLlama3 = R"(
{{- bos_token }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' + message.content | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %})";

// It knows no system messages: their text stands before the first question.
constexpr std::string_view kGemma = R"(
{{- bos_token }}
{%- set ns = namespace(system='') %}
{%- for message in messages %}
    {%- if message.role == 'system' %}
        {%- set ns.system = ns.system + message.content | trim + '\n\n' %}
    {%- else %}
        {{- '<start_of_turn>' + ('model' if message.role == 'assistant' else message.role) + '\n' }}
        {{- (ns.system if message.role == 'user' else '') + message.content | trim + '<end_of_turn>\n' }}
        {%- if message.role == 'user' %}
            {%- set ns.system = '' %}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<start_of_turn>model\n' }}
{%- endif %})";

constexpr std::string_view kPhi3 = R"(
{%- for message in messages %}
    {{- '<|' + message.role + '|>\n' + message.content + '<|end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|assistant|>\n' }}
{%- endif %})";

// Tools and system messages stand with the last question. What follows are calls, answers and results.
#define KINGLET_MISTRAL_QUESTIONS                                                        \
  "{{- bos_token }}\n"                                                                   \
  "{%- set ns = namespace(system='', last=-1) %}\n"                                      \
  "{%- for message in messages %}\n"                                                     \
  "    {%- if message.role == 'system' %}\n"                                             \
  "        {%- set ns.system = ns.system + message.content + '\\n\\n' %}\n"              \
  "    {%- elif message.role == 'user' %}\n"                                             \
  "        {%- set ns.last = loop.index0 %}\n"                                           \
  "    {%- endif %}\n"                                                                   \
  "{%- endfor %}\n"                                                                      \
  "{%- for message in messages %}\n"                                                     \
  "    {%- if message.role == 'user' %}\n"                                               \
  "        {%- if loop.index0 == ns.last %}\n"                                           \
  "            {%- if tools %}\n"                                                        \
  "                {{- '[AVAILABLE_TOOLS]' + tools | tojson + '[/AVAILABLE_TOOLS]' }}\n" \
  "            {%- endif %}\n"                                                           \
  "            {{- '[INST]' + ns.system + message.content + '[/INST]' }}\n"              \
  "        {%- else %}\n"                                                                \
  "            {{- '[INST]' + message.content + '[/INST]' }}\n"                          \
  "        {%- endif %}\n"

// Calls and results of earlier questions are left out.
constexpr std::string_view kMistral2 = KINGLET_MISTRAL_QUESTIONS R"(    {%- elif message.tool_calls %}
        {%- if loop.index0 > ns.last %}
            {{- '[TOOL_CALLS][' }}
            {%- for call in message.tool_calls %}
                {{- {'name': call.function.name, 'arguments': call.function.arguments} | tojson }}
                {{- '' if loop.last else ', ' }}
            {%- endfor %}
            {{- ']' + eos_token }}
        {%- endif %}
    {%- elif message.role == 'assistant' %}
        {{- message.content + eos_token }}
    {%- elif message.role == 'tool' and loop.index0 > ns.last %}
        {{- ', ' if messages[loop.index0 - 1].role == 'tool' else '[TOOL_RESULTS][' }}
        {{- {'name': message.name, 'content': message.content} | tojson }}
        {%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}
            {{- '][/TOOL_RESULTS]' }}
        {%- endif %}
    {%- endif %}
{%- endfor %})";

// Calls have ids, and each result stands for itself.
constexpr std::string_view kMistral3 = KINGLET_MISTRAL_QUESTIONS R"(    {%- elif message.tool_calls %}
        {{- '[TOOL_CALLS][' }}
        {%- for call in message.tool_calls %}
            {{- {'name': call.function.name, 'arguments': call.function.arguments, 'id': call.id} | tojson }}
            {{- '' if loop.last else ', ' }}
        {%- endfor %}
        {{- ']' + eos_token }}
    {%- elif message.role == 'assistant' %}
        {{- message.content + eos_token }}
    {%- elif message.role == 'tool' %}
        {{- '[TOOL_RESULTS]' + {'content': message.content, 'call_id': message.tool_call_id} | tojson }}
        {{- '[/TOOL_RESULTS]' }}
    {%- endif %}
{%- endfor %})";

constexpr std::string_view kPlain = R"(
{%- for message in messages %}
    {{- message.content + ('' if loop.last else '\n') }}
{%- endfor %})";

struct Row {
  std::array<std::string_view, 5> tokens;  // all of which the vocabulary has
  std::string_view source;
  bool has_tool_values = false;
};
// The first that fits. Mistral's second vocabulary has no name for what the third calls [PREFIX].
constexpr std::array kRows = {
    Row{{"<|im_start|>", "<|im_end|>"}, kChatMl},
    Row{{"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}, kLlama3},
    Row{{"<start_of_turn>", "<end_of_turn>"}, kGemma},
    Row{{"<|user|>", "<|assistant|>", "<|end|>"}, kPhi3},
    Row{{"[INST]", "[AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]", "[PREFIX]"}, kMistral3, true},
    Row{{"[INST]", "[AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]"}, kMistral2, true},
};

}  // namespace

FallbackTemplate fallback_template(const format::Metadata& metadata) {
  const format::Array* tokens = metadata.array("tokenizer.ggml.tokens");
  if (tokens == nullptr || tokens->element != format::ValueType::kString) return {kPlain};
  std::array<std::array<bool, std::tuple_size_v<decltype(Row::tokens)>>, kRows.size()> has{};
  tokens->for_each_string([&](std::string_view token) {
    if (token.size() < 2) return;
    for (size_t row = 0; row < kRows.size(); ++row) {
      for (size_t i = 0; i < kRows[row].tokens.size(); ++i) has[row][i] = has[row][i] || token == kRows[row].tokens[i];
    }
  });
  for (size_t row = 0; row < kRows.size(); ++row) {
    bool fits = true;
    for (size_t i = 0; i < kRows[row].tokens.size(); ++i) fits = fits && (kRows[row].tokens[i].empty() || has[row][i]);
    if (fits) return {kRows[row].source, kRows[row].has_tool_values};
  }
  return {kPlain};
}

}  // namespace kinglet::chat
