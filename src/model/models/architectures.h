// One function a family, each in its own file; registry.cpp lists them.
#pragma once

#include "model/models/architecture.h"

namespace kinglet::models {

Architecture llama();

}  // namespace kinglet::models
