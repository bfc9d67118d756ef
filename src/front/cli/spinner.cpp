#include "front/cli/spinner.h"

#include <array>
#include <string_view>

#include "core/base/base.h"
#include "front/cli/terminal.h"

namespace kinglet::cli {

void Spinner::turn() noexcept {
  static constexpr std::array<std::string_view, 10> kPictures = {"\u280B", "\u2819", "\u2839", "\u2838", "\u283C",
                                                                 "\u2834", "\u2826", "\u2827", "\u2807", "\u280F"};
  if (!shown_) return;
  write_to_stderr("\r");
  write_to_stderr(kPictures[n_turns_++ % kPictures.size()]);
}

void Spinner::stop() noexcept {
  if (shown_ && n_turns_ > 0) write_to_stderr("\r\x1b[K");
  shown_ = false;
}

}  // namespace kinglet::cli
