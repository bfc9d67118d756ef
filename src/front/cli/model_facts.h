// What a model is, for people.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "front/cli/model_argument.h"

namespace kinglet::cli {

/// Rows of what `show` calls the model: architecture, parameters, context length, ...
std::vector<std::pair<std::string, std::string>> model_rows(const format::ModelFile& file);

/// The same under a heading, and parameters, system message and first lines of the license where there are any.
std::string facts_of(const ModelSource& source, const format::ModelFile& file);

/// All of the license; what the file says of it where the store has no text. Empty: nothing is known.
std::string license_of(const ModelSource& source, const format::ModelFile& file);

/// Settings that are not the defaults, a line each: "temperature    0.2".
std::string parameters_text(const chat::Settings& settings);

/// A Modelfile that makes this model again, from its files.
std::string modelfile_of(const ModelSource& source);

/// Weights, counted by the elements of all tensors.
uint64_t parameter_count(const format::ModelFile& file);

/// "Q4_K_M", as the file says, else the type that most bytes have.
std::string quantization_of(const format::ModelFile& file);

/// Labels and values in two columns behind `indent` spaces.
std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows, size_t indent);

}  // namespace kinglet::cli
