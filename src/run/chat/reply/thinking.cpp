// Where models think: the list.
#include "run/chat/reply/reply_format.h"

namespace kinglet::chat {
namespace {

using From = Mark::From;

// Between two spellings at the start of an answer, or behind a call: the closing one is the sign. Where the prompt
// opened and closed thinking, some models close it once more.
ThinkingRow between(std::string_view begin, std::string_view end) {
  return {begin,
          {end},
          {std::string(begin), std::string(end)},
          {{std::string(begin), From::kStart, Channel::kThinking},
           {std::string(end), From::kStart, Channel::kText},
           {std::string(end), From::kThinking, Channel::kText}}};
}

// Control tokens for thinking and for the answer, each with its end. Anywhere: nobody writes them by accident.
ThinkingRow cohere(std::string_view name, std::string_view sign, const std::string& answer) {
  return {name,
          {sign},
          {"<|START_THINKING|>", "<|END_THINKING|>"},
          {{"<|START_THINKING|>", From::kText, Channel::kThinking},
           {"<|END_THINKING|>", From::kThinking, Channel::kText},
           {"<|START_" + answer + "|>", From::kAnywhere, Channel::kText},
           {"<|END_" + answer + "|>", From::kAnywhere, Channel::kText}}};
}

}  // namespace

std::vector<ThinkingRow> thinking_rows() {
  return {
      {"harmony",
       {"<|channel|>analysis<|message|>", "<|channel|>final"},
       {"<|channel|>analysis<|message|>", "<|end|><|start|>assistant"},
       {{"<|start|>assistant", From::kAnywhere, Channel::kText},
        {"<|channel|>analysis<|message|>", From::kAnywhere, Channel::kThinking},
        {"<|channel|>commentary<|message|>", From::kAnywhere, Channel::kText},
        {"<|channel|>final<|message|>", From::kAnywhere, Channel::kText},
        {"<|end|>", From::kAnywhere, Channel::kText},
        {"<|return|>", From::kAnywhere, Channel::kText}}},
      {"muse",
       {"assistant to=self<|message|>"},
       {},
       {{"<|start|>assistant", From::kAnywhere, Channel::kText},
        {"<|start|>assistant<|message|>", From::kAnywhere, Channel::kText},
        {"<|start|>assistant to=user<|message|>", From::kAnywhere, Channel::kText},
        {"<|start|>assistant to=self<|message|>", From::kAnywhere, Channel::kThinking},
        {"<|eom|>", From::kAnywhere, Channel::kText},
        {"<|eot|>", From::kAnywhere, Channel::kText}}},
      {"solar",
       {"<|begin|>assistant<|think|>"},
       {"<|think|>", "<|end|><|begin|>assistant"},
       {{"<|begin|>assistant", From::kAnywhere, Channel::kText},
        {"<|think|>", From::kText, Channel::kThinking},
        {"<|content|>", From::kAnywhere, Channel::kText},
        {"<|end|>", From::kAnywhere, Channel::kText}}},
      {"kimi-k3",
       {"<|open|>think<|sep|>"},
       {"<|open|>think<|sep|>", "<|close|>think<|sep|>"},
       {{"<|open|>message role=\"assistant\"<|sep|>", From::kAnywhere, Channel::kText},
        {"<|open|>think<|sep|>", From::kText, Channel::kThinking},
        {"<|close|>think<|sep|>", From::kThinking, Channel::kText},
        {"<|open|>response<|sep|>", From::kText, Channel::kText},
        {"<|close|>response<|sep|>", From::kText, Channel::kText},
        {"<|close|>message<|sep|>", From::kText, Channel::kText},
        {"<|end_of_msg|>", From::kText, Channel::kText}}},
      cohere("cohere2", "<|START_TEXT|>", "TEXT"),
      cohere("cohere", "<|START_THINKING|>", "RESPONSE"),
      {"gemma4",
       {"<|channel>thought"},
       {"<|channel>thought\n", "<channel|>"},
       {{"<|channel>thought\n", From::kText, Channel::kThinking}, {"<channel|>", From::kThinking, Channel::kText}}},
      {"apriel",
       {"[BEGIN FINAL RESPONSE]"},
       {"Here are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]"},
       {{"Here are my reasoning steps:\n", From::kStart, Channel::kThinking},
        {"[BEGIN FINAL RESPONSE]", From::kThinking, Channel::kText},
        {"[END FINAL RESPONSE]", From::kText, Channel::kText}}},
      {"apertus",
       {"<|inner_prefix|>"},
       {"<|inner_prefix|>", "<|inner_suffix|>"},
       {{"<|inner_prefix|>", From::kText, Channel::kThinking}, {"<|inner_suffix|>", From::kThinking, Channel::kText}}},
      {"granite",
       {"<response></response>"},
       {"<think>", "</think>"},
       {{"<think>", From::kStart, Channel::kThinking},
        {"</think>", From::kThinking, Channel::kText},
        {"<response>", From::kStart, Channel::kText},
        {"</response>", From::kText, Channel::kText}}},
      between("[THINK]", "[/THINK]"),
      between("<seed:think>", "</seed:think>"),
      between("<mm:think>", "</mm:think>"),
      between("<think:opensource>", "</think:opensource>"),
      between("<think>", "</think>"),
  };
}

}  // namespace kinglet::chat
