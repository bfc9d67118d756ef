#include "front/cli/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/base.h"

namespace kinglet::cli {
namespace {

constexpr int kPatienceMs = 3000;

}  // namespace

bool is_terminal(int fd) noexcept { return ::isatty(fd) == 1; }

size_t terminal_width(int fd) noexcept {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void hold_standard_streams() noexcept {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest free number is taken, which is this one.
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) < 0) return;
  }
}

bool has_piped_input() noexcept {
  struct stat facts{};
  return ::fstat(STDIN_FILENO, &facts) == 0 && !S_ISCHR(facts.st_mode);
}

std::string read_standard_input(size_t max_bytes, const std::function<void()>& on_wait) {
  pollfd waited{STDIN_FILENO, POLLIN, 0};
  if (on_wait && ::poll(&waited, 1, kPatienceMs) == 0) on_wait();
  std::string text;
  while (read_standard_input_piece(text, [] {})) {
    if (text.size() > max_bytes)
      fail_with(ErrorCode::kInvalidArgument, "standard input: longer than ", max_bytes, " bytes");
  }
  return text;
}

bool read_standard_input_piece(std::string& text, const std::function<void()>& on_signal) {
  char piece[1 << 16];
  for (;;) {
    const ssize_t n = ::read(STDIN_FILENO, piece, sizeof(piece));
    if (n < 0 && errno == EINTR) {
      on_signal();
      continue;
    }
    if (n < 0) fail_with(ErrorCode::kIo, "standard input: cannot be read: ", std::strerror(errno));
    text.append(piece, static_cast<size_t>(n));
    return n > 0;
  }
}

bool has_input_waiting() noexcept {
  pollfd waited{STDIN_FILENO, POLLIN, 0};
  return ::poll(&waited, 1, 0) > 0;
}

void write_to_stderr(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace kinglet::cli
