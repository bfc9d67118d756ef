#include "run/chat/reply/reply.h"

#include <random>
#include <utility>

#include "run/chat/reply/call_grammar.h"
#include "run/chat/reply/grammar_constraint.h"

namespace kinglet::chat {
namespace {

// Nullopt: anything may follow.
std::optional<grammar::Grammar> grammar_of(const AnswerFormat& format) {
  using Kind = AnswerFormat::Kind;
  switch (format.kind) {
    case Kind::kFree:
      return std::nullopt;
    case Kind::kJson:
      return grammar::Grammar::any_json({.object_only = true});
    case Kind::kSchema:
      return grammar::Grammar::from_schema(format.schema);
    case Kind::kGrammar:
      return grammar::Grammar::from_gbnf(format.text);
    case Kind::kRegex:
      return grammar::Grammar::from_regex(format.text);
    case Kind::kChoices:
      return grammar::Grammar::from_choices(format.choices);
  }
  return std::nullopt;
}

}  // namespace

Reply::Reply(LoadedModel& model, ReplyRequest request) {
  AnswerOptions options = request.options;
  const auto constrain = [&](grammar::Grammar grammar) {
    options.constraint =
        std::make_shared<GrammarConstraint>(std::move(grammar), model.token_trie(), *model.tokenizer());
  };
  if (auto grammar = grammar_of(request.format)) constrain(std::move(*grammar));
  options.client = request.client;
  options.log_probs = request.top_logprobs;
  options.prompt_log_probs = request.echoes && request.top_logprobs;
  if (request.echoes) echo_ = model.tokenizer()->decode(request.prompt);
  if (!options.continues) {
    options.marks = true;
    if (request.tool_use.choice != ToolUse::Choice::kNone) tools_ = ToolSet(request.tool_use.tools);
    const std::string opened = model.opened_by(request.prompt);
    const ToolUse& use = request.tool_use;
    if (use.choice == ToolUse::Choice::kRequired || use.choice == ToolUse::Choice::kNamed)
      constrain(call_grammar(model.reply_format(), tools_, use, *model.tokenizer(), opened));
    reader_.emplace(model.reply_format(), tools_, ReplyReaderOptions{opened, std::random_device{}()});
  }
  answer_ = model.answer(std::move(request.prompt), request.settings, options);
}

Reply::~Reply() = default;

void Reply::cancel() noexcept { answer_->cancel(); }

bool Reply::read(std::vector<ReplyPiece>& pieces, std::chrono::milliseconds limit) {
  std::string text = std::exchange(echo_, {});
  const bool more = answer_->read(text, limit);
  take(text, !more, pieces);
  if (more) return true;
  const AnswerResult& answer = answer_->result();
  result_.ids = answer.ids;
  result_.finish = answer.finish;
  result_.stop = answer.stop;
  result_.usage = answer.usage;
  return false;
}

void Reply::take(std::string_view text, bool at_end, std::vector<ReplyPiece>& pieces) {
  for (TokenLogprob& one : answer_->take_logprobs()) {
    result_.logprobs.push_back(one);
    logprobs_.push_back(std::move(one));
  }
  events_.clear();
  if (!reader_) {
    if (!text.empty()) events_.push_back({.text = std::string(text)});
  } else {
    reader_->add(text, events_);
    if (at_end) reader_->finish(events_);
  }
  // Log-probabilities of tokens that gave no text, such as marks, must not be lost at the end.
  if (events_.empty() && at_end && !logprobs_.empty()) events_.emplace_back();
  for (ReplyEvent& event : events_) {
    keep(event);
    pieces.push_back({std::move(event), std::exchange(logprobs_, {})});
  }
}

void Reply::keep(const ReplyEvent& event) {
  switch (event.kind) {
    case ReplyEvent::Kind::kText:
      result_.text += event.text;
      break;
    case ReplyEvent::Kind::kThinking:
      result_.thinking += event.text;
      break;
    case ReplyEvent::Kind::kCallBegin:
      result_.calls.push_back({event.id, event.name, "", true});
      break;
    case ReplyEvent::Kind::kArguments:
      result_.calls.back().arguments += event.text;
      break;
    case ReplyEvent::Kind::kCallEnd:
      result_.calls.back().complete = event.complete;
      break;
  }
}

}  // namespace kinglet::chat
