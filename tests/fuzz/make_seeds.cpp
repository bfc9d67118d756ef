// Writes the seeds of the format targets: usage: make_seeds CORPUS_FOLDER
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "model/format/samples.h"

namespace {

using namespace kinglet;
using namespace kinglet::format;

void put(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

void put(const std::filesystem::path& path, const samples::Bytes& content) {
  put(path, std::string_view(reinterpret_cast<const char*>(content.data()), content.size()));
}

samples::Bytes one_tensor(std::string_view format, uint64_t n_elements) {
  GgufWriter writer;
  writer.add_u32("split.count", 1);
  const quant::Format& type = samples::format(format);
  const samples::Bytes data(type.row_bytes(static_cast<size_t>(n_elements)), std::byte{0x11});
  writer.add_tensor("w", type, std::array<uint64_t, 1>{n_elements}, data);
  return samples::written(writer, 64);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: make_seeds CORPUS_FOLDER\n", stderr), 2;
  const std::filesystem::path corpus = argv[1];
  put(corpus / "gguf/all_types", samples::small_gguf());
  put(corpus / "gguf/q4_k", one_tensor("Q4_K", 256));
  put(corpus / "gguf/q4_0", one_tensor("Q4_0", 64));
  put(corpus / "gguf/empty", samples::written(GgufWriter()));
  put(corpus / "safetensors/several", samples::small_safetensors());
  put(corpus / "safetensors/empty", samples::written(SafetensorsWriter()));
  constexpr std::string_view kStart =
      R"({"architectures":["LlamaForCausalLM"],"vocab_size":4,"hidden_size":4,"intermediate_size":6,"num_hidden_layers":1,"num_attention_heads":2)";
  put(corpus / "hf_config/plain",
      str(kStart, R"(,"rope_theta":10000.0,"rms_norm_eps":1e-5,"tie_word_embeddings":true,"head_dim":null})"));
  put(corpus / "hf_config/llama3",
      str(kStart,
          R"(,"rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":32}})"));
  put(corpus / "hf_config/yarn",
      str(kStart,
          R"(,"rope_parameters":{"type":"yarn","factor":8,"mscale":1.0,"mscale_all_dim":0.5,"beta_fast":32.0,"beta_slow":1.0,"attention_factor":null}})"));
  put(corpus / "hf_config/generation",
      str(kStart,
          R"(,"bos_token_id":1,"eos_token_id":[2,3],"pad_token_id":0,"temperature":0.6,"top_p":0.9,"top_k":40,"min_p":0.1,"repetition_penalty":1.1})"));
  return 0;
}
