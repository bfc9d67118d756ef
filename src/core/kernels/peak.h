// Loops that show what the machine can do at most: the limits that `doctor` and `bench` measure and compare with.
#pragma once

#include "core/kernels/peak_loops.h"
#include "core/kernels/select.h"

namespace kinglet::kernels {

/// The widest loops of the instruction set of a table; the features have it.
PeakKernels peak_kernels(const CpuFeatures& features, Isa isa) noexcept;

}  // namespace kinglet::kernels
