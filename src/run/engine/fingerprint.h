// What tells models and adapters apart, without reading all of them.
#pragma once

#include <string>

#include "model/models/models.h"

namespace kinglet::engine {

/// SHA-256 in hexadecimal over the settings of a model and over the name, the shape, the format and samples of the
/// bytes of each of its weights: models that were trained or quantized differently differ. Adapters are not part of it.
std::string fingerprint_of(const models::Model& model);

/// The same over all numbers of an adapter, whatever its path.
std::string fingerprint_of(const format::Adapter& adapter);

}  // namespace kinglet::engine
