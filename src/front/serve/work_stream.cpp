#include "front/serve/work_stream.h"

#include <deque>
#include <optional>
#include <thread>
#include <utility>

#include "core/base/mutex.h"
#include "front/serve/endpoint.h"

namespace kinglet::serve {
namespace {

class WorkStream final : public http::BodySource {
 public:
  explicit WorkStream(std::function<void(const Report&)> work)
      : thread_([this, work = std::move(work)] { run(work); }) {}
  ~WorkStream() override {
    {
      MutexLock lock(mutex_);
      unwanted_ = true;
    }
    thread_.join();
  }

  /// Waits until there is something to say. Throws what the work threw before it said anything.
  void wait_begin(const http::Cancel& cancel) {
    constexpr std::chrono::milliseconds kLookUp(50);
    MutexLock lock(mutex_);
    while (lines_.empty() && !done_ && !cancel.requested()) arrived_.wait_for(mutex_, kLookUp);
    if (lines_.empty() && error_) throw Error(*error_);
  }

  bool read(std::string& chunk, std::chrono::milliseconds limit) override {
    MutexLock lock(mutex_);
    if (lines_.empty() && !done_) arrived_.wait_for(mutex_, limit);
    for (; !lines_.empty(); lines_.pop_front()) chunk += lines_.front();
    if (done_ && error_)
      chunk += Json(JsonObject{{"error", std::exchange(error_, std::nullopt)->message()}}).dump() + '\n';
    return !done_;
  }

 private:
  // Progress is overtaken by newer progress; what a slow reader gets stays bounded.
  static constexpr size_t kMaxLines = 256;

  void run(const std::function<void(const Report&)>& work) {
    std::optional<Error> error;
    try {
      work([this](const Json& report) {
        MutexLock lock(mutex_);
        if (lines_.size() >= kMaxLines) lines_.erase(lines_.begin() + kMaxLines / 2);
        lines_.push_back(report.dump() + '\n');
        arrived_.notify_one();
        return !unwanted_;
      });
    } catch (const Error& caught) {
      error = caught;
    } catch (const std::exception& caught) {
      error = Error(ErrorCode::kInternal, caught.what());
    }
    MutexLock lock(mutex_);
    error_ = std::move(error);
    done_ = true;
    arrived_.notify_one();
  }

  Mutex mutex_;
  Condition arrived_;
  std::deque<std::string> lines_ GUARDED_BY(mutex_);
  std::optional<Error> error_ GUARDED_BY(mutex_);
  bool done_ GUARDED_BY(mutex_) = false;
  bool unwanted_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace

http::Response run_work(std::function<void(const Report&)> work, bool streams, const http::Cancel& cancel) {
  if (!streams) {
    Json last = JsonObject{};
    work([&](const Json& report) {
      last = report;
      return !cancel.requested();
    });
    return json_response(last);
  }
  http::Response made;
  made.headers.emplace_back("Content-Type", "application/x-ndjson");
  auto stream = std::make_unique<WorkStream>(std::move(work));
  stream->wait_begin(cancel);
  made.stream = std::move(stream);
  return made;
}

}  // namespace kinglet::serve
