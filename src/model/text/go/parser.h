// Go templates: text to tree. Internal to the template engine.
#pragma once

#include <string_view>

#include "model/text/go/syntax.h"

namespace kinglet::text::go {

/// Throws Error{kInvalidArgument} "NAME: line L, column C: ...".
Tree parse(std::string_view source, std::string_view name);

/// The order of the first action of `nodes`, inner ones included, that prints .Response; UINT32_MAX: there is none.
uint32_t first_response(const Nodes& nodes);

}  // namespace kinglet::text::go
