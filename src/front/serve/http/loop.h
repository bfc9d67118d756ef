// A thread's event loop: what waits for sockets and for time. The library behind it is not seen.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace kinglet::serve::http {

/// Runs callbacks, which throw nothing, on the one thread that is in run().
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Any thread. It is called in run(), after this has returned.
  void post(std::function<void()> work);
  /// Once, when this time has passed. On the loop's thread.
  void after(std::chrono::milliseconds time, std::function<void()> work);

  /// Returns after finish(), when no socket is waited for. What after() was given is dropped then.
  void run();
  /// Any thread.
  void finish();

  /// For the streams and listeners of this folder.
  [[nodiscard]] boost::asio::io_context& context() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kinglet::serve::http
