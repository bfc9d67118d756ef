// Llama 1 to 3, SmolLM2, TinyLlama and what else calls itself llama: pre-norm, rotary, grouped heads, SwiGLU.
// Sources: Touvron et al. arXiv 2302.13971 and 2307.09288; Llama 3's frequency factors come with the file.
#include "model/models/architectures.h"

namespace kinglet::models {

Architecture llama() {
  return {"llama", read_decoder_config, declare_decoder_tensors, {decoder_attention, decoder_feed_forward}};
}

}  // namespace kinglet::models
