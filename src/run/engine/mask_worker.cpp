#include "run/engine/mask_worker.h"

#include "run/engine/caught.h"

namespace kinglet::engine {

MaskWorker::~MaskWorker() {
  if (!thread_.joinable()) return;
  {
    MutexLock lock(mutex_);
    ending_ = true;
    wake_.notify_one();
  }
  thread_.join();
}

void MaskWorker::begin(std::span<Job> jobs) {
  if (jobs.empty()) return;
  if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
  MutexLock lock(mutex_);
  jobs_ = jobs;
  wake_.notify_one();
}

void MaskWorker::wait() noexcept {
  MutexLock lock(mutex_);
  while (!jobs_.empty()) done_.wait(mutex_);
}

void MaskWorker::loop() noexcept {
  for (;;) {
    std::span<Job> jobs;
    {
      MutexLock lock(mutex_);
      while (!ending_ && jobs_.empty()) wake_.wait(mutex_);
      if (ending_) return;
      jobs = jobs_;
    }
    for (Job& job : jobs) {
      try {
        job.mask = job.constraint->mask();
      } catch (...) {
        job.error = caught();
      }
    }
    MutexLock lock(mutex_);
    jobs_ = {};
    done_.notify_one();
  }
}

}  // namespace kinglet::engine
