#include "home/system/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "core/base/base.h"

namespace kinglet::system {
namespace {

constexpr auto kGrace = std::chrono::milliseconds(500);  // to leave once the input has ended, and once it is asked to

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

int left_ms(ChildProcess::Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - ChildProcess::Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 3'600'000));
}

// Whether something happened until then.
bool is_ready(int fd, short events, ChildProcess::Clock::time_point deadline) {
  pollfd one{.fd = fd, .events = events, .revents = 0};
  while (true) {
    const int n = ::poll(&one, 1, left_ms(deadline));
    if (n > 0) return true;
    if (n == 0) return false;
    if (errno != EINTR) fail_with(ErrorCode::kIo, "poll: ", std::strerror(errno));
  }
}

}  // namespace

ChildProcess::ChildProcess(const ChildOptions& options) {
  if (options.command.empty() || options.command[0].empty())
    fail(ErrorCode::kInvalidArgument, "process: the command is empty");
  // Sockets, as writing to one whose reader has gone can be an error instead of a signal.
  std::array<int, 2> input{};
  std::array<int, 2> output{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, input.data()) != 0)
    fail_with(ErrorCode::kIo, "process: ", std::strerror(errno));
  if (::pipe2(output.data(), O_CLOEXEC) != 0) {
    const int error = errno;
    for (const int fd : input) ::close(fd);
    fail_with(ErrorCode::kIo, "process: ", std::strerror(error));
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input[1], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  if (!options.shows_errors) {
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  }
  // A group of its own: Ctrl-C on our terminal is meant for us, and its children end with it.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t none;
  sigemptyset(&none);
  sigset_t all;
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> command = options.command;
  std::vector<std::string> environment = options.environment;
  const int error = ::posix_spawnp(&pid_, command[0].c_str(), &actions, &attributes, pointers(command).data(),
                                   pointers(environment).data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(input[1]);
  ::close(output[1]);
  input_ = input[0];
  output_ = output[0];
  if (error != 0) {
    pid_ = -1;
    ::close(input_);
    ::close(output_);
    const ErrorCode code = error == ENOENT || error == EACCES ? ErrorCode::kNotFound : ErrorCode::kIo;
    fail_with(code, command[0], ": ", std::strerror(error));
  }
}

ChildProcess::~ChildProcess() {
  ::close(input_);
  end();
  ::close(output_);
}

bool ChildProcess::wait_until(Clock::time_point deadline) noexcept {
  while (true) {
    const pid_t ended = ::waitpid(pid_, nullptr, WNOHANG);
    if (ended == pid_ || (ended < 0 && errno != EINTR)) return true;
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void ChildProcess::end() noexcept {
  const bool left = wait_until(Clock::now() + kGrace);
  if (!left) {
    ::kill(-pid_, SIGTERM);
    if (wait_until(Clock::now() + kGrace)) return;
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

void ChildProcess::write(std::string_view text, Clock::time_point deadline) {
  while (!text.empty()) {
    if (!is_ready(input_, POLLOUT, deadline)) fail(ErrorCode::kIo, "process: does not read its input");
    const ssize_t n = ::send(input_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EINTR && errno != EAGAIN)
      fail_with(ErrorCode::kIo, "process: has ended: ", std::strerror(errno));
    if (n > 0) text.remove_prefix(static_cast<size_t>(n));
  }
}

bool ChildProcess::read(std::string& text, Clock::time_point deadline) {
  if (!is_ready(output_, POLLIN, deadline)) return true;
  std::array<char, 16384> piece;
  const ssize_t n = ::read(output_, piece.data(), piece.size());
  if (n < 0 && errno != EINTR) fail_with(ErrorCode::kIo, "process: ", std::strerror(errno));
  if (n > 0) text.append(piece.data(), static_cast<size_t>(n));
  return n != 0;
}

}  // namespace kinglet::system
