#include "front/cli/interrupt.h"

#include <csignal>
#include <cstring>

#include "core/base/base.h"

namespace kinglet::cli {
namespace {

// All that a signal handler may touch.
volatile std::sig_atomic_t pressed = 0;

void on_interrupt(int signal) {
  if (pressed != 0) {
    // Somebody who presses twice does not want to wait.
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  pressed = 1;
}

}  // namespace

InterruptWatch::InterruptWatch() {
  pressed = 0;
  struct sigaction action{};
  action.sa_handler = on_interrupt;  // without SA_RESTART: reads end with EINTR
  ::sigaction(SIGINT, &action, nullptr);
}

InterruptWatch::~InterruptWatch() { std::signal(SIGINT, SIG_DFL); }

bool InterruptWatch::requested() const noexcept { return pressed != 0; }

void InterruptWatch::clear() noexcept { pressed = 0; }

void InterruptWatch::check() const {
  if (requested()) fail(ErrorCode::kCancelled, "interrupted");
}

}  // namespace kinglet::cli
