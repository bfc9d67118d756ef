#include "front/serve/http/loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <set>
#include <utility>

namespace kinglet::serve::http {

namespace asio = boost::asio;

struct Loop::State {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  std::set<std::shared_ptr<asio::steady_timer>> timers;
  bool finishing = false;
};

Loop::Loop() : state_(std::make_unique<State>()) {}
Loop::~Loop() = default;

void Loop::post(std::function<void()> work) { asio::post(state_->context, std::move(work)); }

void Loop::after(std::chrono::milliseconds time, std::function<void()> work) {
  if (state_->finishing) return;
  const auto timer = std::make_shared<asio::steady_timer>(state_->context, time);
  state_->timers.insert(timer);
  timer->async_wait([this, timer, work = std::move(work)](const boost::system::error_code& error) {
    state_->timers.erase(timer);
    if (!error) work();
  });
}

void Loop::run() { state_->context.run(); }

void Loop::finish() {
  asio::post(state_->context, [this] {
    state_->finishing = true;
    state_->guard.reset();
    for (const auto& timer : state_->timers) timer->cancel();
  });
}

asio::io_context& Loop::context() noexcept { return state_->context; }

}  // namespace kinglet::serve::http
