#include "model/grammar/matcher.h"

#include <algorithm>

#include "core/base/base.h"
#include "model/grammar/shared_readings.h"

namespace kinglet::grammar {

Matcher::Matcher(Grammar grammar, std::shared_ptr<const TokenTrie> trie)
    : grammar_(std::move(grammar)), trie_(std::move(trie)), readings_(grammar_.readings_of(trie_)) {
  position_ = readings_->readings.start();
}

std::span<const uint32_t> Matcher::mask() {
  if (has_ended_) {
    own_mask_.assign(trie_->n_words(), 0);
  } else {
    move_where_full();
    const std::lock_guard lock(readings_->mutex);
    mask_ = readings_->readings.mask(position_, *trie_);
    if (!readings_->readings.can_end(position_)) return *mask_;
    own_mask_ = *mask_;
  }
  for (const int32_t end : trie_->ends()) {
    own_mask_[static_cast<size_t>(end) / 32] |= 1U << (static_cast<uint32_t>(end) % 32U);
  }
  return own_mask_;
}

bool Matcher::allows(int32_t token) {
  if (token < 0 || static_cast<size_t>(token) >= trie_->vocab_size()) return false;
  if (trie_->is_end(token)) return has_ended_ || can_end();
  const std::string_view bytes = trie_->bytes_of(token);
  if (bytes.empty() || has_ended_) return false;
  const std::lock_guard lock(readings_->mutex);
  uint32_t position = position_;
  for (const char byte : bytes) position = readings_->readings.step(position, static_cast<uint8_t>(byte));
  return position != Readings::kNowhere;
}

bool Matcher::accept(int32_t token) {
  if (token < 0 || static_cast<size_t>(token) >= trie_->vocab_size()) return false;
  if (trie_->is_end(token)) {
    if (!has_ended_ && !can_end()) return false;
    remember();
    has_ended_ = true;
    return true;
  }
  const std::string_view bytes = trie_->bytes_of(token);
  return !bytes.empty() && accept_bytes(bytes);
}

bool Matcher::accept_bytes(std::string_view bytes) {
  if (has_ended_) return bytes.empty();
  move_where_full();
  uint32_t position = position_;
  {
    const std::lock_guard lock(readings_->mutex);
    for (const char byte : bytes) position = readings_->readings.step(position, static_cast<uint8_t>(byte));
  }
  if (position == Readings::kNowhere) return false;
  remember();
  position_ = position;
  return true;
}

bool Matcher::can_end() {
  const std::lock_guard lock(readings_->mutex);
  return has_ended_ || readings_->readings.can_end(position_);
}

std::string Matcher::forced_bytes(size_t most) {
  std::string bytes;
  if (has_ended_) return bytes;
  move_where_full();
  const std::lock_guard lock(readings_->mutex);
  uint32_t position = position_;
  while (bytes.size() < most) {
    const int byte = readings_->readings.only_byte(position);
    if (byte < 0) break;
    bytes += static_cast<char>(byte);
    position = readings_->readings.step(position, static_cast<uint8_t>(byte));
  }
  return bytes;
}

std::vector<int32_t> Matcher::forced(const std::function<std::vector<int32_t>(std::string_view)>& encode,
                                     size_t most_bytes) {
  const std::string bytes = forced_bytes(most_bytes);
  if (bytes.empty() || bytes.front() == TokenTrie::control_spelling(0).front()) return {};
  std::vector<int32_t> tokens = encode(bytes);
  // The tokens must spell the bytes, and those from where on another token might reach over the end are left to the
  // model.
  size_t at = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const bool known = tokens[i] >= 0 && static_cast<size_t>(tokens[i]) < trie_->vocab_size();
    const std::string_view spelled = known ? trie_->bytes_of(tokens[i]) : std::string_view();
    const bool spells = !spelled.empty() && std::string_view(bytes).substr(at).starts_with(spelled);
    if (!spells || trie_->is_proper_prefix(std::string_view(bytes).substr(at))) {
      tokens.resize(i);
      break;
    }
    at += spelled.size();
  }
  return tokens;
}

void Matcher::remember() {
  const Step step{position_, has_ended_};
  if (history_.size() < kMaxRollback) {
    history_.resize(next_step_);
    history_.push_back(step);
    next_step_ = history_.size() % kMaxRollback;
  } else {
    history_[next_step_] = step;
    next_step_ = (next_step_ + 1) % kMaxRollback;
  }
  n_steps_ = std::min(n_steps_ + 1, kMaxRollback);
}

bool Matcher::rollback(size_t n) {
  if (n > n_steps_) return false;
  if (n == 0) return true;
  next_step_ = (next_step_ + kMaxRollback - n) % kMaxRollback;
  n_steps_ -= n;
  position_ = history_[next_step_].position;
  has_ended_ = history_[next_step_].has_ended;
  return true;
}

// Readings that have grown too large are left behind: what this sequence needs is made again in new ones.
void Matcher::move_where_full() {
  {
    const std::lock_guard lock(readings_->mutex);
    if (!readings_->readings.is_full()) return;
  }
  const std::shared_ptr<SharedReadings> fresh = grammar_.readings_of(trie_);
  if (fresh == readings_) return;
  const std::scoped_lock lock(readings_->mutex, fresh->mutex);
  position_ = fresh->readings.import(readings_->readings, position_);
  for (size_t i = 1; i <= n_steps_; ++i) {
    Step& step = history_[(next_step_ + kMaxRollback - i) % kMaxRollback];
    step.position = fresh->readings.import(readings_->readings, step.position);
  }
  readings_ = fresh;
}

}  // namespace kinglet::grammar
