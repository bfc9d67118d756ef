#include "front/cli/did_you_mean.h"

#include "core/base/base.h"

namespace kinglet::cli {

std::string did_you_mean(std::span<const std::string> names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    text += str(i == 0 ? "; did you mean " : i + 1 == names.size() ? " or " : ", ", names[i]);
  }
  return names.empty() ? text : text + "?";
}

}  // namespace kinglet::cli
