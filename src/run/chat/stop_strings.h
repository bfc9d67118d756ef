// Ends an answer at the first of some strings, however tokens cut them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kinglet::chat {

/// One answer's text on its way out. What may be the beginning of a stop string is held back until it is known. The
/// string that is complete first counts, of those that end together the longest: so the result does not depend on how
/// the text is cut into pieces. Not thread-safe.
class StopStrings {
 public:
  /// Throws Error{kInvalidArgument} for an empty one.
  explicit StopStrings(std::vector<std::string> stops);

  /// Takes the next piece and gives the text that is surely no part of a stop string. Nothing comes after stopped().
  std::string add(std::string_view piece);
  /// At the end of an answer that was not stopped: what was held back.
  std::string flush();
  /// A stop string came; the text before it was given.
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }
  /// The one that came; empty before.
  [[nodiscard]] const std::string& found() const noexcept { return found_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  std::string found_;
  bool stopped_ = false;
};

}  // namespace kinglet::chat
