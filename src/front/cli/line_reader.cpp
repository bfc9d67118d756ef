#include "front/cli/line_reader.h"

#include "front/cli/input_files.h"
#include "front/cli/terminal.h"

namespace kinglet::cli {

std::vector<LineReader::Line> LineReader::next(size_t max_lines) {
  std::vector<Line> lines;
  while (lines.size() < max_lines) {
    const size_t end = held_.find('\n', seen_);
    if (end != std::string::npos) {
      take(std::string_view(held_).substr(done_, end - done_), lines);
      done_ = seen_ = end + 1;
      continue;
    }
    seen_ = held_.size();
    if (held_.size() - done_ > kMaxInputBytes)
      fail_with(ErrorCode::kInvalidArgument, "line ", n_lines_ + 1, ": is longer than ", kMaxInputBytes, " bytes");
    if (!lines.empty() && !has_input_waiting()) break;
    if (!has_ended_ && read_more()) continue;
    if (done_ == held_.size()) break;
    take(std::string_view(held_).substr(done_), lines);  // the last line has no end
    done_ = held_.size();
  }
  return lines;
}

bool LineReader::read_more() {
  held_.erase(0, done_);
  seen_ -= done_;
  done_ = 0;
  has_ended_ = !read_standard_input_piece(held_, [&] { interrupt_.check(); });
  return !has_ended_;
}

void LineReader::take(std::string_view line, std::vector<Line>& lines) {
  const size_t number = ++n_lines_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::string place = str("line ", number);
  if (!is_json_) {
    require_utf8(line, place);
    lines.push_back({std::string(line), number});
  } else if (line.find_first_not_of(" \t") != std::string_view::npos) {
    lines.push_back({system::Json::parse(line, place).as_string(place), number});
  }
}

}  // namespace kinglet::cli
