#include "run/engine/fair_queue.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace kinglet::engine {

// Of the clients that want something; 0 where none does.
int64_t FairQueue::least_given() const noexcept {
  int64_t least = std::numeric_limits<int64_t>::max();
  for (const auto& [name, client] : clients_) {
    if (client.is_active()) least = std::min(least, client.given);
  }
  return least == std::numeric_limits<int64_t>::max() ? 0 : least;
}

// Of clients that want nothing, only those are remembered that were given more than others: they would come back at the
// level of the others anyway.
void FairQueue::forget_level() {
  const int64_t least = least_given();
  const bool is_any = std::ranges::any_of(clients_, [](const auto& entry) { return entry.second.is_active(); });
  std::erase_if(clients_, [&](const auto& entry) {
    return !entry.second.is_active() && (!is_any || entry.second.given <= least);
  });
}

void FairQueue::push(std::shared_ptr<Generation> generation) {
  forget_level();
  const int64_t least = least_given();
  Client& client = clients_[generation->request().client];
  if (!client.is_active()) client.given = std::max(client.given, least);
  client.waiting.push_back({n_pushed_, std::move(generation)});
  ++n_pushed_;
  ++n_waiting_;
}

std::shared_ptr<Generation> FairQueue::pop() {
  Client* next = nullptr;
  for (auto& [name, client] : clients_) {
    if (client.waiting.empty()) continue;
    const auto turn = [](const Client& of) { return std::pair(of.given, of.waiting.front().number); };
    if (next == nullptr || turn(client) < turn(*next)) next = &client;
  }
  std::shared_ptr<Generation> generation = std::move(next->waiting.front().generation);
  next->waiting.pop_front();
  --n_waiting_;
  ++next->n_served;
  next->given += static_cast<int64_t>(generation->request().prompt.size());
  return generation;
}

void FairQueue::charge(std::string_view name, int64_t cost) {
  const auto client = clients_.find(name);
  if (client != clients_.end()) client->second.given += cost;
}

void FairQueue::leave(std::string_view name) {
  const auto client = clients_.find(name);
  if (client != clients_.end() && client->second.n_served > 0) --client->second.n_served;
}

void FairQueue::remove_if(const std::function<bool(Generation&)>& is_unwanted) {
  for (auto& [name, client] : clients_) {
    n_waiting_ -= std::erase_if(client.waiting, [&](const Waiting& of) { return is_unwanted(*of.generation); });
  }
}

std::vector<std::shared_ptr<Generation>> FairQueue::take_all() {
  std::vector<std::shared_ptr<Generation>> all;
  for (auto& [name, client] : clients_) {
    for (Waiting& of : client.waiting) all.push_back(std::move(of.generation));
  }
  clients_.clear();
  n_waiting_ = 0;
  return all;
}

}  // namespace kinglet::engine
