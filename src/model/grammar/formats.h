// The formats of JSON Schema that are enforced. Internal to model/grammar.
#pragma once

#include <string_view>

#include "model/grammar/dfa.h"
#include "model/grammar/regex.h"

namespace kinglet::grammar {

/// The texts of a format; null for one that is not known, which says nothing then.
const Dfa* texts_of_format(std::string_view format, Spelling spelling);

}  // namespace kinglet::grammar
