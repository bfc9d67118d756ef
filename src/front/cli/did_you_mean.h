// Near names in a message.
#pragma once

#include <span>
#include <string>

namespace kinglet::cli {

/// "; did you mean A or B?", or nothing where there are none.
std::string did_you_mean(std::span<const std::string> names);

}  // namespace kinglet::cli
