#include "home/system/log.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

#include "core/base/base.h"
#include "home/system/clock.h"

namespace kinglet::system {
namespace {

// A pipe takes so much without blocking once it says that it takes anything (PIPE_BUF).
constexpr size_t kPieceBytes = 4096;
constexpr int kPollMs = 100;

constexpr std::array<std::string_view, 4> kLevels = {"error", "warning", "info", "debug"};

void append_padded(std::string& out, int64_t number, int n_digits) {
  std::string digits = str(number);
  out.append(static_cast<size_t>(std::max<int64_t>(0, n_digits - static_cast<int64_t>(digits.size()))), '0');
  out += digits;
}

// Words that cannot be taken for others: in quotes where they have spaces, quotes, equals signs or control characters.
std::string word_of(const Json& value) {
  if (!value.is_string()) return value.dump();
  const std::string& text = value.as_string("a field");
  const bool is_plain = !text.empty() && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c != '"' && c != '=' && c != '\\' && c != 0x7f;
  });
  return is_plain ? text : json_quoted(text);
}

}  // namespace

LogLevel parse_log_level(std::string_view text) {
  for (size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels[i] == text) return static_cast<LogLevel>(i);
  }
  fail_with(ErrorCode::kInvalidArgument, "\"", text, "\" is no level of a log: error, warning, info or debug");
}

std::string utc_text(int64_t time_us) {
  const auto seconds = static_cast<std::time_t>(time_us / 1'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::string out;
  append_padded(out, parts.tm_year + 1900, 4);
  out += '-';
  append_padded(out, parts.tm_mon + 1, 2);
  out += '-';
  append_padded(out, parts.tm_mday, 2);
  out += 'T';
  append_padded(out, parts.tm_hour, 2);
  out += ':';
  append_padded(out, parts.tm_min, 2);
  out += ':';
  append_padded(out, parts.tm_sec, 2);
  out += '.';
  append_padded(out, time_us / 1000 % 1000, 3);
  return out + "Z";
}

Log::Log(LogOptions options) : options_(std::move(options)), file_(open()) {
  thread_ = std::thread([this] { run(); });
}

Log::~Log() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    in_a_hurry_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

FileDescriptor Log::open() const {
  if (options_.path.empty()) return FileDescriptor(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
  FileDescriptor file(::open(options_.path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) fail_write(options_.path, errno);
  return file;
}

void Log::reopen() {
  FileDescriptor file = open();
  const MutexLock lock(file_mutex_);
  file_ = std::move(file);
}

std::string Log::line(int64_t time_us, LogLevel level, std::string_view event, JsonObject fields) const {
  const std::string_view level_name = kLevels[static_cast<size_t>(level)];
  if (!options_.json) {
    std::string out = str(utc_text(time_us), " ", level_name, " ", event);
    for (const auto& [name, value] : fields) out += str(" ", name, "=", word_of(value));
    return out;
  }
  JsonObject all = {{"time", utc_text(time_us)}, {"level", level_name}, {"event", event}};
  std::ranges::move(fields, std::back_inserter(all));
  return Json(std::move(all)).dump();
}

void Log::write(LogLevel level, std::string_view event, JsonObject fields) {
  if (!wants(level)) return;
  std::string text = line(now_us(), level, event, std::move(fields));
  const MutexLock lock(mutex_);
  if (waiting_.size() >= options_.max_waiting) {
    ++n_dropped_;
    return;
  }
  waiting_.push_back(std::move(text));
  changed_.notify_one();
}

void Log::run() {
  // A pipe whose reader has gone is a failed write, not the end of the program.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  while (true) {
    std::deque<std::string> lines;
    {
      const MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) changed_.wait(mutex_);
      if (waiting_.empty()) return;
      lines.swap(waiting_);
    }
    for (const std::string& text : lines) put_line(text);
  }
}

void Log::put_line(std::string_view text) {
  const uint64_t n_dropped = n_dropped_;
  std::string bytes = torn_ ? "\n" : "";
  if (n_dropped > n_told_) {
    bytes += line(now_us(), LogLevel::kWarning, "log lines lost", {{"n", n_dropped - n_told_}}) + "\n";
  }
  bytes += text;
  bytes += '\n';
  if (put(bytes)) {
    n_told_ = n_dropped;
  } else {
    ++n_dropped_;
  }
}

// False where it could not be written whole.
bool Log::put(std::string_view bytes) {
  const size_t n_all = bytes.size();
  while (!bytes.empty()) {
    const MutexLock lock(file_mutex_);
    pollfd entry{file_.get(), POLLOUT, 0};
    const bool is_ready = ::poll(&entry, 1, in_a_hurry_ ? 0 : kPollMs) > 0;
    const ssize_t n = is_ready ? ::write(file_.get(), bytes.data(), std::min(bytes.size(), kPieceBytes)) : -1;
    if (n > 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
      continue;
    }
    const bool may_wait = !is_ready || errno == EAGAIN || errno == EINTR;
    if (may_wait && !in_a_hurry_) continue;
    if (bytes.size() < n_all) torn_ = true;
    return false;
  }
  torn_ = false;
  return true;
}

}  // namespace kinglet::system
