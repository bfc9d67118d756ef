#include "model/format/hf_folder.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <filesystem>
#include <map>

#include "core/tensor/tensor.h"
#include "home/system/file.h"
#include "model/format/hf_keys.h"
#include "model/format/hf_sentence.h"
#include "model/format/hf_tensors.h"
#include "model/format/hf_vocabulary.h"
#include "model/format/printable.h"
#include "model/format/safetensors_set.h"

namespace kinglet::format {
namespace {

constexpr uint64_t kMaxConfigBytes = 16'000'000;
constexpr uint64_t kRank = 4;  // of pooling_type

std::optional<HfConfig> read_config(const std::string& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  return HfConfig::parse(system::read_file(path, kMaxConfigBytes), path);
}

bool is_ignored(const HfFamily& family, std::string_view name) {
  return std::ranges::any_of(family.ignored, [&](std::string_view ending) { return name.ends_with(ending); }) ||
         std::ranges::any_of(family.other_parts, [&](std::string_view part) { return name.starts_with(part); });
}

// Layers behind the last one guess tokens further on: nothing here reads them, and llama.cpp's converter leaves them
// out, too.
bool is_of_prediction(const HfConfig& config, std::string_view name) {
  constexpr std::string_view kLayers = "model.layers.";
  const auto n_ahead = config.find_count("num_nextn_predict_layers");
  if (!n_ahead || !name.starts_with(kLayers)) return false;
  const std::string_view rest = name.substr(kLayers.size());
  uint64_t layer_idx = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), layer_idx);
  const bool is_layer = error == std::errc() && end != rest.data() + rest.size() && *end == '.';
  const uint64_t n_layers = config.count("num_hidden_layers");
  return is_layer && layer_idx >= n_layers && layer_idx - n_layers < *n_ahead;
}

std::string in_small_letters(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return text;
}

// The family of the folder's class, or one of the same class that only the folder's own words tell from it.
const HfFamily& family_of_folder(HfFamilies families, const HfConfig& config, const std::string& path) {
  const HfFamily& of_class = family_of(families, config);
  const std::string name = in_small_letters(std::filesystem::absolute(path).lexically_normal().string());
  const std::string other_name = in_small_letters(config.word_or("_name_or_path", ""));
  const std::string readme = path + "/README.md";
  std::optional<std::string> text;
  for (const HfFamily& family : families) {
    if (family.called.empty() || family.architecture != of_class.architecture ||
        std::ranges::find(family.classes, config.class_name()) == family.classes.end())
      continue;
    const auto has_name = [&](std::string_view of) {
      return of.substr(of.rfind('/') + 1).find(family.called) != std::string_view::npos;
    };
    if (!text)
      text = std::filesystem::exists(readme) ? in_small_letters(system::read_file(readme, kMaxConfigBytes)) : "";
    if (has_name(name) || has_name(other_name) || text->find(str("# ", family.called)) != std::string::npos)
      return family;
  }
  return of_class;
}

class HfFolder final : public ModelFile, private HfTensors {
 public:
  HfFolder(const std::string& path, HfFamilies families, const HfOptions& options)
      : ModelFile(path), as_file_(options.as_file) {
    kind_ = "Hugging Face folder";
    const std::string config_path = path + "/" + options.config_name;
    const auto config = read_config(config_path);
    if (!config) fail_with(ErrorCode::kNotFound, path, ": is a directory without ", options.config_name);
    const auto generation = read_config(path + "/generation_config.json");
    family_ = &family_of_folder(families, *config, path);
    metadata_.set("general.architecture", family_->architecture);
    metadata_.set("general.name", std::filesystem::absolute(path).lexically_normal().filename().string());
    fill_metadata(*family_, *config, generation ? &*generation : nullptr, metadata_);
    if (options.has_words || !family_->called.empty())
      fill_vocabulary(path, config->find_count("vocab_size"), metadata_);
    drop_plain_list_of_ends();
    // Rows of q and k get the order that files have.
    if (as_file_) metadata_.remove(str(family_->architecture, ".rope.pairs"));
    shards_ = open_safetensors_folder(path);
    for (const Safetensors& shard : shards_) {
      file_bytes_ += shard.file_bytes();
      for (const SafetensorsEntry& entry : shard.tensors()) take(*config, shard, entry);
    }
    for (auto& [name, experts] : stacks_) take_stack(name, experts);
    take_modules(read_sentence_modules(path));
    check_vocabulary_size(config_path);
    if (family_->make != nullptr) {
      try {
        for (MadeTensor& made : family_->make(*config, *this)) take_made(std::move(made));
      } catch (const Error& error) {
        fail_with(error.code(), path, ": ", error.message());
      }
    }
  }

  void read(const TensorEntry& tensor, const std::function<void(std::span<const std::byte>)>& use) const override {
    const auto pending = pending_.find(tensor.name);
    if (pending == pending_.end()) return ModelFile::read(tensor, use);
    tensor::Buffer memory = tensor::Buffer::uninitialized(static_cast<size_t>(tensor.size_bytes));
    pending->second({memory.data(), memory.size_bytes()});
    use({memory.data(), memory.size_bytes()});
  }

 private:
  using Fill = std::function<void(std::span<std::byte>)>;

  struct Stack {
    const TensorRule* rule = nullptr;
    std::map<size_t, const SafetensorsEntry*> experts;
  };

  [[nodiscard]] const SafetensorsEntry* find(std::string_view name) const override {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }

  [[nodiscard]] bool is_as_file() const noexcept override { return as_file_; }

  [[nodiscard]] std::optional<uint32_t> find_token(std::string_view spelling) const override {
    const Array* tokens = metadata_.array("tokenizer.ggml.tokens");
    if (tokens == nullptr) return std::nullopt;
    std::optional<uint32_t> found;
    uint32_t id = 0;
    tokens->for_each_string([&](std::string_view token) {
      if (token == spelling) found = id;
      ++id;
    });
    return found;
  }

  // One end, which the vocabulary names as well.
  void drop_plain_list_of_ends() {
    const Array* ends = metadata_.number_array("kinglet.eos_token_ids");
    if (ends == nullptr || ends->size != 1) return;
    if (metadata_.get<int64_t>("tokenizer.ggml.eos_token_id") == ends->integer(0))
      metadata_.remove("kinglet.eos_token_ids");
  }

  void take(const HfConfig& config, const Safetensors& shard, const SafetensorsEntry& entry) {
    const std::string what = str(shard.path(), ": tensor ", printable(entry.name));
    const std::string_view plain = without_prefix(*family_, entry.name);
    if (is_ignored(*family_, entry.name) || is_of_prediction(config, plain)) return;
    if (plain == "lm_head.weight" && config.truth_or("tie_word_embeddings", family_->is_tied)) return;
    const auto mapped = to_gguf_name(*family_, entry.name);
    if (!mapped) {
      fail_with(ErrorCode::kUnsupported, what, " is not one of ", family_->classes[0]);
    }
    if (entry.shape.empty() || entry.shape.size() > 4) {
      fail_with(ErrorCode::kUnsupported, what, ": has ", entry.shape.size(), " dimensions, expected 1 to 4");
    }
    if (entry.bytes.empty()) fail_with(ErrorCode::kInvalidFile, what, ": is empty");
    const bool is_known = mapped->rule->is_bytes ? entry.type->name == "U8" : entry.format != nullptr;
    if (!is_known) {
      fail_with(ErrorCode::kUnsupported, what, ": dtype ", entry.type->name, " is not supported; supported: ",
                mapped->rule->is_bytes ? "U8" : "F32, F16, BF16, F64, I8, I16, I32, I64");
    }
    if (!by_name_.emplace(plain, &entry).second) fail_with(ErrorCode::kInvalidFile, what, " is in two shards");
    if (mapped->rule->gguf.empty()) return;  // the family's `make` reads it
    if (mapped->expert_idx) {
      Stack& stack = stacks_[mapped->name];
      stack.rule = mapped->rule;
      stack.experts.emplace(*mapped->expert_idx, &entry);
      return;
    }
    take_one(mapped->name, mapped->rule->change, entry, what);
  }

  // Pooling, and layers behind it under the names that llama.cpp gives them.
  void take_modules(const SentenceModules& modules) {
    const auto key = [&](std::string_view name) { return str(family_->architecture, '.', name); };
    if (modules.pooling_type && metadata_.find(key("pooling_type")) == nullptr)
      metadata_.set(key("pooling_type"), *modules.pooling_type);
    if (modules.has_logit_score && metadata_.get<uint64_t>(key("pooling_type")) != kRank)
      fail_with(ErrorCode::kUnsupported, path(), ": module LogitScore of ", family_->classes[0], " is not supported");
    modules.write(metadata_);
    for (size_t i = 0; i < modules.dense.size(); ++i) {
      const Safetensors& file = dense_.emplace_back(Safetensors::open(modules.dense[i].path));
      const SafetensorsEntry* weight = file.find("linear.weight");
      if (weight == nullptr || weight->format == nullptr || weight->shape.size() != 2)
        fail_with(ErrorCode::kInvalidFile, file.path(), ": has no matrix linear.weight");
      const std::string name = str("dense_", i + 2);
      metadata_.set(key(name + "_feat_in"), static_cast<uint32_t>(weight->shape[1]));
      metadata_.set(key(name + "_feat_out"), static_cast<uint32_t>(weight->shape[0]));
      take_one(name + ".weight", Change::kNone, *weight, str(file.path(), ": tensor linear.weight"));
      if (modules.dense[i].is_tanh) metadata_.set(key(name + "_activation"), "tanh");
      const SafetensorsEntry* bias = file.find("linear.bias");
      if ((bias != nullptr) != modules.dense[i].has_bias || (bias != nullptr && bias->format == nullptr))
        fail_with(ErrorCode::kInvalidFile, file.path(), ": linear.bias is not what its config.json says");
      if (bias != nullptr) take_one(name + ".bias", Change::kNone, *bias, str(file.path(), ": tensor linear.bias"));
    }
  }

  // Ids up to the setting would read rows that are not there.
  void check_vocabulary_size(const std::string& config_path) const {
    const auto said = metadata_.get<uint64_t>(str(family_->architecture, ".vocab_size"));
    const TensorEntry* embedding = ModelFile::find("token_embd.weight");
    if (!said || embedding == nullptr || embedding->n_rows() == *said) return;
    fail_with(ErrorCode::kInvalidFile, config_path, ": vocab_size is ", *said, ", ", embedding->source, " has ",
              embedding->n_rows(), " rows");
  }

  void take_one(const std::string& name, Change change, const SafetensorsEntry& entry, const std::string& what) {
    const bool of_heads = change == Change::kQueryHeads || change == Change::kKeyHeads;
    if (of_heads && !as_file_) change = Change::kNone;
    size_t head_dim = 0;
    if (change == Change::kQueryHeads || change == Change::kKeyHeads) {
      head_dim = head_dim_of_file();
      if (entry.shape[0] % head_dim != 0) {
        fail_with(ErrorCode::kInvalidFile, what, ": ", entry.shape[0], " rows are no whole number of heads of ",
                  head_dim);
      }
    }
    TensorEntry tensor = described(name, changed_shape(entry, change),
                                   gives_f32(entry, change) ? quant::find_by_name("F32") : entry.format);
    tensor.source = entry.name;
    tensor.file_offset = entry.file_offset;
    const bool is_aligned = reinterpret_cast<uintptr_t>(entry.bytes.data()) % entry.format->block_bytes == 0;
    if (change == Change::kNone && tensor.format == entry.format && is_aligned) {
      tensor.data = entry.bytes.data();
      return add(tensor);
    }
    add_filled(tensor,
               [&entry, change, head_dim](std::span<std::byte> out) { write_changed(entry, change, head_dim, out); });
  }

  void take_stack(const std::string& name, const Stack& stack) {
    const SafetensorsEntry& first = *stack.experts.begin()->second;
    size_t next = 0;
    for (const auto& [idx, entry] : stack.experts) {
      if (idx != next++) {
        fail_with(ErrorCode::kInvalidFile, path(), ": tensor ", printable(first.name), " and others: expert ", next - 1,
                  " is missing");
      }
      if (entry->shape != first.shape || entry->format != first.format) {
        fail_with(ErrorCode::kInvalidFile, path(), ": tensor ", printable(entry->name),
                  ": is not like that of the first expert");
      }
    }
    std::vector<uint64_t> shape = changed_shape(first, stack.rule->change);
    shape.insert(shape.begin(), stack.experts.size());
    TensorEntry tensor =
        described(name, shape, gives_f32(first, stack.rule->change) ? quant::find_by_name("F32") : first.format);
    tensor.source = first.name;
    add_filled(tensor, [&stack](std::span<std::byte> out) {
      const size_t one = out.size() / stack.experts.size();
      for (const auto& [idx, entry] : stack.experts) {
        write_changed(*entry, stack.rule->change, 0, out.subspan(idx * one, one));
      }
    });
  }

  void take_made(MadeTensor made) {
    if (!made.is_key) return add_filled(described(made.name, made.shape, made.format), std::move(made.fill));
    std::vector<float> values(made.size_bytes() / sizeof(float));
    made.fill(std::as_writable_bytes(std::span(values)));
    metadata_.set_array(str(family_->architecture, '.', made.name), std::span<const float>(values));
  }

  // Both kinds of heads have the same length.
  [[nodiscard]] size_t head_dim_of_file() const {
    return metadata_.require<size_t>(str(family_->architecture, ".attention.key_length"));
  }

  TensorEntry described(const std::string& name, std::span<const uint64_t> shape, const quant::Format* format) {
    TensorEntry tensor;
    tensor.name = names_.emplace_back(name);
    tensor.n_dims = static_cast<uint32_t>(shape.size());
    std::ranges::reverse_copy(shape, tensor.dims.begin());
    tensor.format = format;
    tensor.type_id = format->gguf_id;
    tensor.size_bytes = format->row_bytes(static_cast<size_t>(tensor.dims[0])) * tensor.n_rows();
    return tensor;
  }

  void add_filled(TensorEntry tensor, Fill fill) {
    converted_bytes_ += tensor.size_bytes;
    if (as_file_) {
      pending_.emplace(tensor.name, std::move(fill));
    } else {
      tensor::Buffer& memory =
          memory_.emplace_back(tensor::Buffer::uninitialized(static_cast<size_t>(tensor.size_bytes)));
      fill({memory.data(), memory.size_bytes()});
      tensor.data = memory.data();
    }
    add(tensor);
  }

  void add(const TensorEntry& tensor) {
    if (!add_tensor(tensor)) metadata_.refuse(str("tensor ", tensor.name), "is there twice");
  }

  const bool as_file_;
  const HfFamily* family_ = nullptr;
  std::vector<Safetensors> shards_;
  std::deque<Safetensors> dense_;
  std::map<std::string_view, const SafetensorsEntry*> by_name_;
  std::map<std::string, Stack> stacks_;
  std::map<std::string_view, Fill> pending_;
  std::deque<std::string> names_;
  std::deque<tensor::Buffer> memory_;
};

}  // namespace

std::shared_ptr<const ModelFile> open_hf_folder(const std::string& path, HfFamilies families,
                                                const HfOptions& options) {
  return std::make_shared<HfFolder>(path, families, options);
}

}  // namespace kinglet::format
