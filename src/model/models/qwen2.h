// What the families of Qwen share.
#pragma once

#include "model/models/decoder.h"

namespace kinglet::models {

/// use_sliding_window, sliding_window and max_window_layers (or layer_types) of config.json.
void fill_qwen_windows(format::HfKeys& keys);

}  // namespace kinglet::models
