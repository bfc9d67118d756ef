// What the families of Qwen share.
#pragma once

#include "model/models/decoder.h"

namespace kinglet::models {

/// Any decoder; windows where the file says so.
DecoderConfig read_qwen_config(const ConfigReader& read);
/// use_sliding_window, sliding_window and max_window_layers (or layer_types) of config.json.
void fill_qwen_windows(format::HfKeys& keys);

}  // namespace kinglet::models
