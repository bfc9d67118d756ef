// Low-rank adapters: PEFT folders and GGUF files, read as untrusted input against the model that they are for; GGUF
// files written.
//
// Both kinds become one type: for each matrix that is changed A, B, a scale and, for DoRA, the lengths of its rows,
// under the matrix's GGUF name and with the order of rows that the open model has. Source: PEFT (adapter_config.json
// and the names of its state), llama.cpp (convert_lora_to_gguf.py, llama-adapter.cpp). A magnitude has no name in the
// field's GGUF files; ours is NAME.lora_magnitude, which llama.cpp refuses instead of leaving it out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/format/gguf.h"
#include "model/format/hf_family.h"
#include "model/format/model_file.h"
#include "model/format/safetensors.h"

namespace kinglet::format {

/// What an adapter does to one matrix W [rows, cols]: W + scale B A; with a magnitude each row of that is scaled to it.
struct AdapterWeight {
  std::string name;    ///< The matrix's: "blk.0.attn_q.weight".
  std::string module;  ///< Its place in a PEFT file: "base_model.model.model.layers.0.self_attn.q_proj"; else empty.
  size_t rows = 0;
  size_t cols = 0;
  size_t rank = 0;
  float scale = 1.0F;
  std::vector<float> a;          ///< [rank, cols].
  std::vector<float> b;          ///< [rows, rank].
  std::vector<float> magnitude;  ///< [rows]; empty: none.
};

struct Adapter {
  std::string path;
  std::vector<AdapterWeight> weights;
};

/// The model that an adapter is for: its open file and its family's names.
struct AdapterTarget {
  const ModelFile& file;
  const HfFamily& family;

  /// Rows of q and k are in the order of folders though the family's files have another.
  [[nodiscard]] bool keeps_halves() const;
  /// Elements of a head.
  [[nodiscard]] size_t head_dim() const;
};

/// Opens a PEFT folder (or the adapter_model.safetensors in one) or a GGUF adapter. Throws Error{kNotFound},
/// Error{kInvalidFile} (a shape that is not the model's: both are said) or Error{kUnsupported} (a setting or tensor
/// that is not known, named).
Adapter open_adapter(const std::string& path, const AdapterTarget& target);
/// What a PEFT folder holds. `config_name` is for messages.
Adapter read_peft_adapter(std::string_view config, const std::string& config_name, const Safetensors& tensors,
                          const AdapterTarget& target);
Adapter read_gguf_adapter(const ModelFile& adapter, const AdapterTarget& target);

/// As the field's converter writes it, for this model as a GGUF file. All scales must be alpha / rank of one alpha:
/// others are brought there by a factor on B.
void write_gguf_adapter(const Adapter& adapter, const AdapterTarget& target, const GgufWriter::Sink& sink);

/// Whether a matrix has the rows of heads that files pair otherwise than folders.
bool is_of_heads(const HfFamily& family, std::string_view gguf_name);
/// Rows of `values` (`row_len` each) of a head from one order into the other.
std::vector<float> rows_in_halves(const std::vector<float>& adjacent, size_t head_dim, size_t row_len);
std::vector<float> rows_in_pairs(const std::vector<float>& halves, size_t head_dim, size_t row_len);

}  // namespace kinglet::format
