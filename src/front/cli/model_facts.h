// What a model is, for people.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "front/cli/model_argument.h"
#include "run/chat/capabilities.h"
#include "run/chat/model_facts.h"

namespace kinglet::cli {

/// Rows of what `show` calls the model: architecture, parameters, context length, ...
std::vector<std::pair<std::string, std::string>> model_rows(const format::ModelFile& file,
                                                            const chat::Capabilities& capabilities);

/// The same under a heading, and parameters, system message and first lines of the license where there are any.
std::string facts_of(const ModelSource& source, const format::ModelFile& file);

/// Settings that are not the defaults, a line each: "temperature    0.2".
std::string parameters_text(const chat::Settings& settings);

using chat::license_of;
using chat::modelfile_of;
using chat::parameter_count;
using chat::quantization_of;

/// Labels and values in two columns behind `indent` spaces.
std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows, size_t indent);

}  // namespace kinglet::cli
