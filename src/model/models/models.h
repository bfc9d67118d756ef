// Facade of model/models: families of models, described once against the graph builder.
//
// Model (model.h) binds a file to its Architecture and describes itself as a logical graph, the same one for answers,
// scores and training. decoder.h holds the blocks that most families share. Adding a family: docs/adding-a-model.md.
// Thread rules: a loaded Model is constant and may be shared.
#pragma once

#include "model/models/decoder.h"
#include "model/models/model.h"
#include "model/models/registry.h"
