#include "front/serve/http/workers.h"

#include <system_error>
#include <utility>

namespace kinglet::serve::http {

Workers::Place::Place(Place&& other) noexcept
    : workers_(std::exchange(other.workers_, nullptr)), urgent_(other.urgent_) {}

Workers::Place& Workers::Place::operator=(Place&& other) noexcept {
  std::swap(workers_, other.workers_);
  std::swap(urgent_, other.urgent_);
  return *this;
}

Workers::Place::~Place() {
  if (workers_ != nullptr) workers_->give_back(urgent_);
}

Workers::Workers(size_t n_places, size_t n_urgent_places)
    : n_threads_max_(n_places + n_urgent_places), n_places_(n_places), n_urgent_places_(n_urgent_places) {
  threads_.emplace_back([this] { work(); });
}

void Workers::finish() {
  std::vector<std::thread> threads;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    has_task_.notify_all();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

std::optional<Workers::Place> Workers::take_place(bool urgent) {
  const MutexLock lock(mutex_);
  if (n_places_ > 0) {
    --n_places_;
    return Place(*this, false);
  }
  if (!urgent || n_urgent_places_ == 0) return std::nullopt;
  --n_urgent_places_;
  return Place(*this, true);
}

void Workers::give_back(bool urgent) noexcept {
  const MutexLock lock(mutex_);
  ++(urgent ? n_urgent_places_ : n_places_);
}

void Workers::run(std::function<void()> task) {
  const MutexLock lock(mutex_);
  tasks_.push_back(std::move(task));
  if (tasks_.size() > n_idle_ && threads_.size() < n_threads_max_) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      // The system gives no more threads: those that there are take the task, later.
    }
  }
  has_task_.notify_one();
}

void Workers::work() {
  while (true) {
    std::function<void()> task;
    {
      const MutexLock lock(mutex_);
      ++n_idle_;
      while (tasks_.empty() && !stopping_) has_task_.wait(mutex_);
      --n_idle_;
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace kinglet::serve::http
