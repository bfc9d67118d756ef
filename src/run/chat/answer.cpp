#include "run/chat/answer.h"

#include <array>
#include <utility>

namespace kinglet::chat {

std::string_view name_of(Finish finish) noexcept {
  constexpr std::array<std::string_view, 6> kNames = {"stop", "length", "context", "cancelled", "barred", "deadline"};
  return kNames[static_cast<size_t>(finish)];
}

Answer::Answer(std::shared_ptr<engine::Generation> generation, const text::Tokenizer* tokenizer,
               std::vector<std::string> stop, bool continues, std::span<const int32_t> shown)
    : generation_(std::move(generation)), tokenizer_(tokenizer), stop_(std::move(stop)) {
  if (tokenizer != nullptr) decoder_.emplace(*tokenizer, false, continues, shown);
}

Answer::~Answer() {
  if (!done_) generation_->cancel();
}

void Answer::cancel() noexcept { generation_->cancel(); }

bool Answer::read(std::string& text, std::chrono::milliseconds limit) {
  for (auto wait = limit; !done_; wait = std::chrono::milliseconds(0)) {
    const std::optional<engine::Event> event = generation_->next_within(wait);
    if (!event) break;
    take(*event, text);
  }
  return !done_;
}

void Answer::take(const engine::Event& event, std::string& text) {
  if (!event.finish) {
    if (stop_.stopped()) return;  // came before the engine saw that nobody wants more
    keep_logprob(event);
    if (event.is_prompt) return;
    result_.ids.push_back(event.token);
    if (decoder_) give(decoder_->add(event.token), text);
    if (stop_.stopped()) generation_->cancel();
    return;
  }
  done_ = true;
  if (!stop_.stopped()) {
    if (decoder_) give(decoder_->flush(), text);
    // What was held back is no stop string after all, unless the last piece made it one.
    if (!stop_.stopped()) {
      std::string rest = stop_.flush();
      result_.text += rest;
      text += rest;
    }
  }
  result_.stop = stop_.found();
  result_.finish = stop_.stopped() ? Finish::kStop : static_cast<Finish>(*event.finish);
  result_.usage = event.usage;
  result_.usage.completion_tokens = result_.ids.size();
}

void Answer::keep_logprob(const engine::Event& event) {
  const engine::Request& request = generation_->request();
  if (!request.log_probs) return;
  const auto text_of = [this](int32_t id) { return tokenizer_ == nullptr ? "" : tokenizer_->bytes_of(id, true); };
  TokenLogprob made{event.token, text_of(event.token), event.log_prob, {}};
  for (const engine::TokenLogProb& one : event.top)
    made.top.push_back({one.token, text_of(one.token), one.log_prob, {}});
  logprobs_.push_back(std::move(made));
}

void Answer::give(std::string piece, std::string& text) {
  piece = stop_.add(piece);
  result_.text += piece;
  text += piece;
}

}  // namespace kinglet::chat
