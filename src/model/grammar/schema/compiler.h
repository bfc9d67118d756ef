// Makes a grammar of a JSON Schema. Internal to model/grammar.
#pragma once

#include <set>
#include <string>

#include "home/system/json.h"
#include "model/grammar/grammar.h"
#include "model/grammar/program.h"

namespace kinglet::grammar {

/// Throws as Grammar::from_schema says. `to_check` as there.
Program compile_schema(const system::Json& schema, const SchemaOptions& options, std::set<std::string>* to_check);

}  // namespace kinglet::grammar
