// Templates to syntax trees. Internal to the template engine.
#pragma once

#include <string_view>

#include "model/text/jinja/syntax.h"

namespace kinglet::text::jinja {

/// Throws Error{kInvalidArgument} "NAME: line N: ..." for what is no template, or one that is nested too deeply.
Body parse(std::string_view source, std::string_view name);

}  // namespace kinglet::text::jinja
