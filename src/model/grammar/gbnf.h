// Reads grammars in llama.cpp's language. Internal to model/grammar.
#pragma once

#include <string_view>

#include "model/grammar/grammar.h"
#include "model/grammar/program.h"

namespace kinglet::grammar {

/// Throws as Grammar::from_gbnf says.
Program read_gbnf(std::string_view text, const GbnfOptions& options);

}  // namespace kinglet::grammar
