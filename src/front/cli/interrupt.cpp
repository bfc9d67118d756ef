#include "front/cli/interrupt.h"

#include <csignal>
#include <cstring>

#include "core/base/base.h"

namespace kinglet::cli {
namespace {

// All that a signal handler may touch.
volatile std::sig_atomic_t pressed = 0;

void remember(int) { pressed = 1; }

void remember_or_end(int signal) {
  if (pressed != 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  pressed = 1;
}

}  // namespace

struct InterruptWatch::Before {
  struct sigaction action;
};

InterruptWatch::InterruptWatch(Second second) : before_(std::make_unique<Before>()) {
  pressed = 0;
  struct sigaction action{};
  action.sa_handler =
      second == Second::kEndsProgram ? remember_or_end : remember;  // without SA_RESTART: reads end with EINTR
  ::sigaction(SIGINT, &action, &before_->action);
}

InterruptWatch::~InterruptWatch() {
  ::sigaction(SIGINT, &before_->action, nullptr);
  pressed = 0;
}

bool InterruptWatch::requested() const noexcept { return pressed != 0; }

void InterruptWatch::clear() noexcept { pressed = 0; }

void InterruptWatch::check() const {
  if (requested()) fail(ErrorCode::kCancelled, "interrupted");
}

}  // namespace kinglet::cli
