// The threads on which handlers block: as many as there are places, made when they are first needed.
//
// Who has a place may run tasks, one at a time; so a task never waits for long, and whoever gets no place is told so at
// once instead of waiting in a queue that nobody sees.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "core/base/mutex.h"

namespace kinglet::serve::http {

class Workers {
 public:
  /// A place among the workers, given back when it is destroyed. Move-only.
  class Place {
   public:
    Place(Workers& workers, bool urgent) noexcept : workers_(&workers), urgent_(urgent) {}
    Place(Place&& other) noexcept;
    Place& operator=(Place&& other) noexcept;
    ~Place();

   private:
    Workers* workers_;
    bool urgent_;
  };

  /// Starts one thread, so that there is one at all.
  Workers(size_t n_places, size_t n_urgent_places);
  ~Workers() { finish(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Nullopt when all are taken. An urgent one takes a place of its own kind where no other is free.
  [[nodiscard]] std::optional<Place> take_place(bool urgent);

  /// Runs a task, which throws nothing, on a worker's thread.
  void run(std::function<void()> task);

  /// Waits for all tasks and ends the threads. Nothing may be run afterwards; places may be given back.
  void finish();

 private:
  void work();
  void give_back(bool urgent) noexcept;

  const size_t n_threads_max_;
  Mutex mutex_;
  Condition has_task_;
  size_t n_places_ GUARDED_BY(mutex_);
  size_t n_urgent_places_ GUARDED_BY(mutex_);
  size_t n_idle_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::deque<std::function<void()>> tasks_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ GUARDED_BY(mutex_);
};

}  // namespace kinglet::serve::http
