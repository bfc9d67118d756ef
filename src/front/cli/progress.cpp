#include "front/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "core/base/base.h"
#include "front/cli/human.h"
#include "front/cli/output.h"
#include "front/cli/terminal.h"

namespace kinglet::cli {
namespace {

constexpr auto kBetweenLines = std::chrono::milliseconds(100);
constexpr size_t kSamples = 30;

std::string_view name_of(store::Step step) {
  switch (step) {
    case store::Step::kManifest:
      return "pulling manifest";
    case store::Step::kWait:
      return "waiting for another download of";
    case store::Step::kDownload:
      return "pulling";
    case store::Step::kVerify:
      return "verifying";
    case store::Step::kCheck:
      return "checking values";
    case store::Step::kCopy:
      return "copying";
    case store::Step::kMake:
      return "converting";
    case store::Step::kUpload:
      return "pushing";
    case store::Step::kWrite:
      return "writing manifest";
    case store::Step::kDone:
      return "success";
  }
  return "";
}

// A bar of so many columns, in eighths.
std::string bar(double share, size_t width) {
  static constexpr std::array<std::string_view, 8> kParts = {" ",      "\u258F", "\u258E", "\u258D",
                                                             "\u258C", "\u258B", "\u258A", "\u2589"};
  const auto eighths = static_cast<size_t>(share * static_cast<double>(width * 8));
  std::string out;
  for (size_t i = 0; i < width; ++i) {
    const size_t here = std::min<size_t>(eighths > i * 8 ? eighths - i * 8 : 0, 8);
    out += here == 8 ? std::string_view("\u2588") : kParts[here];
  }
  return out;
}

}  // namespace

void ProgressLine::show(const store::Progress& progress) {
  const std::string what =
      str(name_of(progress.step), progress.item.empty() ? "" : " ", without_controls(progress.item));
  show(what, progress.done_bytes, progress.total_bytes);
}

void ProgressLine::show(std::string_view what, uint64_t done_bytes, uint64_t total_bytes) {
  if (!shown_) return;
  const auto now = Clock::now();
  if (what != what_) {
    finish();
    what_ = what;
    samples_.clear();
  } else if (now - last_shown_ < kBetweenLines && done_bytes != total_bytes) {
    return;
  }
  last_shown_ = now;
  samples_.emplace_back(now, done_bytes);
  if (samples_.size() > kSamples) samples_.erase(samples_.begin());
  std::string line = what_;
  if (total_bytes > 0) {
    const double share = std::min(1.0, static_cast<double>(done_bytes) / static_cast<double>(total_bytes));
    char percent[8];
    std::snprintf(percent, sizeof(percent), "%3.0f%%", std::floor(share * 100));
    const double speed = bytes_per_second();
    std::string right = str(' ', human_bytes(done_bytes), '/', human_bytes(total_bytes));
    if (speed > 0 && done_bytes < total_bytes) {
      right += str("  ", human_bytes(static_cast<uint64_t>(speed)), "/s  ",
                   human_seconds(static_cast<double>(total_bytes - done_bytes) / speed));
    }
    line += str(": ", percent, ' ');
    const size_t used = line.size() + right.size() + 3;
    const size_t width = terminal_width(STDERR_FILENO);
    if (width > used + 8) line += str("\u2595", bar(share, std::min<size_t>(width - used, 40)), "\u258F");
    line += right;
  }
  write_to_stderr(str('\r', line, "\x1b[K"));
  open_ = true;
}

void ProgressLine::show_count(std::string_view what, size_t done, size_t total) {
  const auto now = Clock::now();
  if (!shown_ || (open_ && now - last_shown_ < kBetweenLines && done != total)) return;
  last_shown_ = now;
  write_to_stderr(str('\r', what, ' ', done, '/', total, "\x1b[K"));
  open_ = true;
}

void ProgressLine::show_count(std::string_view what, size_t done) {
  const auto now = Clock::now();
  if (!shown_ || (open_ && now - last_shown_ < kBetweenLines)) return;
  last_shown_ = now;
  write_to_stderr(str('\r', what, ' ', done, "\x1b[K"));
  open_ = true;
}

double ProgressLine::bytes_per_second() const {
  if (samples_.size() < 2) return 0;
  const double seconds = std::chrono::duration<double>(samples_.back().first - samples_.front().first).count();
  const uint64_t from = samples_.front().second;
  const uint64_t to = samples_.back().second;
  return seconds > 0 && to > from ? static_cast<double>(to - from) / seconds : 0;
}

void ProgressLine::finish() {
  if (open_) write_to_stderr("\n");
  open_ = false;
}

}  // namespace kinglet::cli
