// Facade of core/tensor: element types, shapes, memory.
//
// DType names the element type of an unblocked tensor; Shape is up to four sizes, outermost first (row-major);
// Buffer owns aligned memory (plans place their values inside one).
// Thread rules: nothing here locks; a Buffer may be written by several threads at different places.
#pragma once

#include "core/tensor/buffer.h"
#include "core/tensor/dtype.h"
#include "core/tensor/shape.h"
