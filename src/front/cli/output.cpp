#include "front/cli/output.h"

#include <unistd.h>

#include <cerrno>

#include "home/system/file.h"

namespace kinglet::cli {
namespace {

constexpr size_t kPiece = 1 << 16;

}  // namespace

void Output::write(std::string_view text) {
  held_ += text;
  if (held_.size() >= kPiece) flush();
}

void Output::flush() {
  std::string_view rest = held_;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error_number = errno;
      held_.clear();  // nothing more can be said here
      if (error_number == EPIPE) throw OutputClosed();
      system::fail_write("standard output", error_number);
    }
    rest.remove_prefix(static_cast<size_t>(n));
  }
  held_.clear();
}

}  // namespace kinglet::cli
