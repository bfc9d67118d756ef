// Writes the seeds of the fuzz targets: usage: make_seeds CORPUS_FOLDER
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "model/format/samples.h"
#include "model/models/tiny_model.h"

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

// Bytes that any format takes as blocks: of each kind that its scales may be.
void put_blocks(const std::filesystem::path& folder) {
  put(folder / "zeros", std::string(1, '\0'));
  put(folder / "not_a_number", "\xFF");
  put(folder / "infinite", std::string_view("\0\x7C", 2));
  put(folder / "subnormal", std::string_view("\x01\0", 2));
  Philox random(1);
  std::string bytes(1021, '\0');  // of no block's length, so that every row is another one
  for (char& byte : bytes) byte = static_cast<char>(random.next_u32());
  put(folder / "random", bytes);
}

void put_templates(const std::filesystem::path& folder) {
  put(folder / "chat",
      "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] | trim + '<|im_end|>' }}{% endfor %}"
      "{%- if add_generation_prompt -%}{{ bos_token }}{%- endif %}");
  put(folder / "tools",
      "{% for t in tools %}{{ t | tojson(indent=2) }}{{ t.parameters.items() | list }}{% endfor %}{{ tools is defined "
      "}}");
  put(folder / "macros",
      "{% macro m(a, b=2) %}{{ a }}{{ varargs }}{{ kwargs }}{% if a %}{{ m(a - 1) }}{% endif %}{{ caller is defined "
      "}}{% endmacro %}"
      "{{ m(n, 1, 2, c=3) }}{% call(x) m(0) %}{{ x }}{% endcall %}");
  put(folder / "namespaces",
      "{% set ns = namespace(a=[]) %}{% for i in range(5) if i is odd %}{% set ns.a = ns.a + [i] %}{{ loop.index }}{% "
      "endfor %}{{ ns.a }}");
  put(folder / "filters",
      "{{ x | map('string') | join('-') | upper | indent(2) | replace('A', 'b') | length }}{{ x | select | list | sort "
      "}}");
  put(folder / "strings",
      "{{ 'a,b'.split(',')[::-1] }}{{ '%5.2f|%-4s' % (1.5, 'a') }}{{ '{:>5}{x!r}'.format(1, x='q') }}{{ "
      "'é'.upper().center(5, '*') }}");
  put(folder / "numbers",
      "{{ 7 // -2 }}{{ 2 ** 10 }}{{ 1.5e3 % 7 }}{{ '12' | int + 0x1F }}{{ -3 | abs }}{{ 2.675 | round(2) }}{{ 1 < 2 < "
      "3 }}");
  put(folder / "blanks", " {%- if n %} a {#- c -#} b\n  {%+ endif +%}\n{% raw %}{{ x }}{% endraw %}\r\n{{- n -}} ");
  put(folder / "blocks",
      "{% set y %}a{% endset %}{% filter upper %}{{ y }}{% endfilter %}{% with z = 1 %}{{ z }}{% endwith %}{% "
      "generation %}g{% endgeneration %}"
      "{% for a, (b, c) in [[1, [2, 3]]] recursive %}{{ b }}{% else %}e{% endfor %}");
  put(folder / "errors",
      "{{ raise_exception('no') if messages else undefined.x.y }}{{ strftime_now('%d %b %Y') }}{{ '[1, {}]' | "
      "from_json }}");
  put(folder / "markup",
      "{{ ('<' | safe) + '<' | e }}{{ x | groupby(0) }}{{ [1, [2]] == [1, [2]] and 'a' not in 'b' ~ 1 }}");
  put(folder / "context",
      std::string_view("{{ a.b[0] }}{% for k, v in a | dictsort %}{{ k }}{{ v }}{% endfor %}\0{\"a\": {\"b\": [1]}}",
                       86));
}

// Flags, pre-tokenizer, tokens (kind and size, spelling, score), merges (places of the parts), text: as tokenizer_fuzz
// reads it.
void put_tokenizers(const std::filesystem::path& folder) {
  const std::string_view tokens(
      "\x03"
      "\x02"
      "ab\x01"
      "\x03"
      "abc\x02"
      "\x25"
      "<one>\x03",
      17);
  const std::string text = "abcabc abab <one> 12345 it's\n\n\xC3\xA9\xE2\x96\x81 \xF0\x9F\x98\x80\xFF";
  for (int pre = 0; pre < 6; ++pre) {
    put(folder / str("bpe_", pre), str('\0', static_cast<char>(pre), tokens,
                                       std::string_view("\x02"
                                                        "a"
                                                        "b"
                                                        "\0c",
                                                        5),
                                       text));
  }
  put(folder / "bpe_special", str('\4', '\0', tokens, '\0', text));
  put(folder / "sentencepiece", str('\1', '\0', tokens, text));
  put(folder / "sentencepiece_prefix", str('\3', '\0', tokens, text));
}

// As small as a llama can be, so that changes of a byte mostly fall on what is read.
samples::Bytes tiny_llama(std::string_view scaling) {
  models::TinyOptions options{.n_layers = 1, .head_dim = 4, .sizes = models::TinySizes{8, 8, 2, 1, 6}};
  if (!scaling.empty()) {
    options.words = {{"rope.scaling.type", std::string(scaling)}};
    options.numbers = {{"rope.scaling.factor", 4.0F}};
  }
  return models::tiny_gguf(*models::find_architecture("llama"), options);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: make_seeds CORPUS_FOLDER\n", stderr), 2;
  const std::filesystem::path corpus = argv[1];
  put(corpus / "gguf/all_types", samples::small_gguf());
  put(corpus / "gguf/q4_k", one_tensor("Q4_K", 256));
  put(corpus / "gguf/q4_0", one_tensor("Q4_0", 64));
  put(corpus / "gguf/empty", samples::written(GgufWriter()));
  put(corpus / "model/plain", tiny_llama(""));
  put(corpus / "model/yarn", tiny_llama("yarn"));
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
  put_blocks(corpus / "quant");
  put_templates(corpus / "template");
  put_tokenizers(corpus / "tokenizer");
  return 0;
}
