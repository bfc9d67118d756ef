// What a fuzz target defines: libFuzzer (or seed_runner.cpp) calls it with one input after another.
#pragma once

#include <cstddef>
#include <cstdint>

/// Takes any bytes. Returns 0; ends the process where something is wrong.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
