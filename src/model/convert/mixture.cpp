#include "model/convert/mixture.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "core/base/base.h"
#include "model/format/inspect.h"
#include "model/format/printable.h"

namespace kinglet::convert {
namespace {

constexpr std::array kMixtures = {
    Mixture{"F32", 0, "F32"},          Mixture{"F16", 1, "F16"},        Mixture{"BF16", 32, "BF16"},
    Mixture{"Q8_0", 7, "Q8_0"},        Mixture{"Q4_0", 2, "Q4_0"},      Mixture{"Q4_1", 3, "Q4_1"},
    Mixture{"Q5_0", 8, "Q5_0"},        Mixture{"Q5_1", 9, "Q5_1"},      Mixture{"Q2_K", 10, "Q2_K"},
    Mixture{"Q2_K_S", 21, "Q2_K"},     Mixture{"Q3_K_S", 11, "Q3_K"},   Mixture{"Q3_K_M", 12, "Q3_K"},
    Mixture{"Q3_K_L", 13, "Q3_K"},     Mixture{"Q4_K_S", 14, "Q4_K"},   Mixture{"Q4_K_M", 15, "Q4_K"},
    Mixture{"Q5_K_S", 16, "Q5_K"},     Mixture{"Q5_K_M", 17, "Q5_K"},   Mixture{"Q6_K", 18, "Q6_K"},
    Mixture{"IQ3_XXS", 23, "IQ3_XXS"}, Mixture{"IQ3_XS", 22, "IQ3_S"},  Mixture{"IQ3_S", 26, "IQ3_S"},
    Mixture{"IQ3_M", 27, "IQ3_S"},     Mixture{"IQ4_NL", 25, "IQ4_NL"}, Mixture{"IQ4_XS", 30, "IQ4_XS"},
    Mixture{"TQ1_0", 36, "TQ1_0"},     Mixture{"TQ2_0", 37, "TQ2_0"},   Mixture{"MXFP4_MOE", 38, "MXFP4"},
};

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kAliases = {
    {{"Q3_K", "Q3_K_M"}, {"Q4_K", "Q4_K_M"}, {"Q5_K", "Q5_K_M"}, {"MXFP4", "MXFP4_MOE"}}};

// What a matrix is for, as far as mixtures care.
enum class Role : uint8_t { kOther, kTokens, kOutput, kQuery, kKey, kValue, kAttentionOutput, kUp, kGate, kDown };

// A layer by its place among n.
enum class Layers : uint8_t {
  kAll,
  kFirstTwo,
  kFirstFour,
  kFirst16th,
  kFirst8th,
  kEnds,    // the first and the last eighth, and every third between them
  kMiddle,  // all but the first and the last eighth
};

// Which models a rule is for.
enum class Models : uint8_t {
  kAll,
  kGrouped,   // at least four query heads for each head of keys and values, which makes those matrices small
  kEight,     // eight experts
  kNotEight,  // any other number
  kBlind,     // no importance matrix is given
  kWeighted,  // one is
};

struct Rule {
  std::string_view mixtures;  // their names, with spaces
  Role role;
  Layers layers;
  Models models;
  std::string_view format;
};

// The first that fits decides; where none does, the main type stays.
constexpr std::array kRules = {
    // The table of tokens, where the output has a matrix of its own.
    Rule{"IQ3_XXS", Role::kTokens, Layers::kAll, Models::kAll, "IQ3_S"},
    Rule{"TQ1_0 TQ2_0", Role::kTokens, Layers::kAll, Models::kAll, "Q4_K"},

    // Values, fused q, k and v among them, are what attention loses most by.
    Rule{"*", Role::kValue, Layers::kAll, Models::kEight, "Q8_0"},
    Rule{"Q2_K Q2_K_S IQ3_XXS IQ3_XS IQ3_S", Role::kValue, Layers::kAll, Models::kGrouped, "Q4_K"},
    Rule{"Q2_K", Role::kValue, Layers::kAll, Models::kAll, "Q3_K"},
    Rule{"IQ3_XXS", Role::kValue, Layers::kAll, Models::kBlind, "IQ3_S"},
    Rule{"IQ3_M", Role::kValue, Layers::kAll, Models::kAll, "Q4_K"},
    Rule{"Q3_K_M", Role::kValue, Layers::kFirstTwo, Models::kAll, "Q5_K"},
    Rule{"Q3_K_M", Role::kValue, Layers::kAll, Models::kAll, "Q4_K"},
    Rule{"Q3_K_L", Role::kValue, Layers::kAll, Models::kAll, "Q5_K"},
    Rule{"IQ4_NL IQ4_XS", Role::kValue, Layers::kAll, Models::kGrouped, "Q5_K"},
    Rule{"Q4_K_M Q5_K_M", Role::kValue, Layers::kEnds, Models::kAll, "Q6_K"},
    Rule{"Q4_K_S", Role::kValue, Layers::kFirstFour, Models::kAll, "Q5_K"},

    Rule{"*", Role::kKey, Layers::kAll, Models::kEight, "Q8_0"},
    Rule{"IQ3_XS", Role::kKey, Layers::kAll, Models::kAll, "IQ3_XXS"},
    Rule{"IQ3_XXS", Role::kKey, Layers::kAll, Models::kAll, "IQ2_S"},
    Rule{"IQ3_XS", Role::kQuery, Layers::kAll, Models::kAll, "IQ3_XXS"},
    Rule{"IQ3_XXS", Role::kQuery, Layers::kAll, Models::kAll, "IQ2_S"},

    Rule{"Q2_K IQ3_XS IQ3_XXS Q3_K_S Q3_K_M IQ4_NL Q4_K_S Q4_K_M IQ3_S IQ3_M IQ4_XS", Role::kAttentionOutput,
         Layers::kAll, Models::kEight, "Q5_K"},
    Rule{"Q2_K", Role::kAttentionOutput, Layers::kAll, Models::kNotEight, "Q3_K"},
    Rule{"IQ3_XXS", Role::kAttentionOutput, Layers::kAll, Models::kNotEight, "IQ3_S"},
    Rule{"Q3_K_M IQ3_M", Role::kAttentionOutput, Layers::kAll, Models::kNotEight, "Q4_K"},
    Rule{"Q3_K_L", Role::kAttentionOutput, Layers::kAll, Models::kNotEight, "Q5_K"},

    // The way down from the feed-forward, with the largest activations; more so in the first layers.
    Rule{"Q2_K", Role::kDown, Layers::kAll, Models::kAll, "Q3_K"},
    Rule{"Q2_K_S", Role::kDown, Layers::kFirst8th, Models::kAll, "Q4_K"},
    Rule{"IQ3_XXS", Role::kDown, Layers::kFirst8th, Models::kBlind, "Q4_K"},
    Rule{"IQ3_XXS", Role::kDown, Layers::kAll, Models::kBlind, "Q3_K"},
    Rule{"Q3_K_M", Role::kDown, Layers::kFirst16th, Models::kAll, "Q5_K"},
    Rule{"Q3_K_M", Role::kDown, Layers::kAll, Models::kAll, "Q4_K"},
    Rule{"Q3_K_L", Role::kDown, Layers::kAll, Models::kAll, "Q5_K"},
    Rule{"IQ3_M", Role::kDown, Layers::kFirst8th, Models::kAll, "Q4_K"},
    Rule{"IQ3_M", Role::kDown, Layers::kEnds, Models::kEight, "Q4_K"},
    Rule{"Q4_K_M Q5_K_M", Role::kDown, Layers::kEnds, Models::kAll, "Q6_K"},
    Rule{"Q4_K_S", Role::kDown, Layers::kFirst8th, Models::kAll, "Q5_K"},
    Rule{"IQ4_NL IQ4_XS", Role::kDown, Layers::kFirst8th, Models::kBlind, "Q5_K"},
    Rule{"Q4_0", Role::kDown, Layers::kFirst8th, Models::kWeighted, "Q4_1"},
    Rule{"Q5_0", Role::kDown, Layers::kFirst8th, Models::kWeighted, "Q5_1"},

    Rule{"IQ3_XS", Role::kGate, Layers::kMiddle, Models::kAll, "IQ3_XXS"},
    Rule{"IQ3_XS", Role::kUp, Layers::kMiddle, Models::kAll, "IQ3_XXS"},
};

// What rows get that are no whole blocks of a type; whatever still does not fit becomes F16.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kFallbacks = {{
    {"IQ2_S", "IQ4_NL"},
    {"IQ3_XXS", "IQ4_NL"},
    {"IQ3_S", "IQ4_NL"},
    {"IQ4_XS", "IQ4_NL"},
    {"Q2_K", "Q4_0"},
    {"Q3_K", "Q4_0"},
    {"TQ1_0", "Q4_0"},
    {"TQ2_0", "Q4_0"},
    {"Q4_K", "Q5_0"},
    {"Q5_K", "Q5_1"},
    {"Q6_K", "Q8_0"},
}};

// Parts of names of matrices that are never quantized: small, or read as plain numbers.
constexpr std::array<std::string_view, 25> kPlainParts = {"_norm.weight",
                                                          "ffn_gate_inp.weight",
                                                          "altup",
                                                          "laurel",
                                                          "per_layer_model_proj",
                                                          "ssm_conv1d",
                                                          "shortconv.conv.weight",
                                                          "indexer.k_proj.weight",
                                                          "indexer.q_proj.weight",
                                                          "time_mix_first.weight",
                                                          "time_mix_w0.weight",
                                                          "time_mix_w1.weight",
                                                          "time_mix_w2.weight",
                                                          "time_mix_v0.weight",
                                                          "time_mix_v1.weight",
                                                          "time_mix_v2.weight",
                                                          "time_mix_a0.weight",
                                                          "time_mix_a1.weight",
                                                          "time_mix_a2.weight",
                                                          "time_mix_g1.weight",
                                                          "time_mix_g2.weight",
                                                          "time_mix_decay_w1.weight",
                                                          "time_mix_decay_w2.weight",
                                                          "time_mix_lerp_fused.weight",
                                                          "attn_rel_b.weight"};

constexpr bool has_part(std::string_view name, std::string_view part) noexcept {
  return name.find(part) != std::string_view::npos;
}

bool has_word(std::string_view words, std::string_view word) noexcept {
  if (words == "*") return true;
  for (size_t at = words.find(word); at != std::string_view::npos; at = words.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' ')) return true;
  }
  return false;
}

Role role_of(std::string_view name) noexcept {
  constexpr std::array<std::pair<std::string_view, Role>, 9> kParts = {{
      {"attn_qkv.weight", Role::kValue},
      {"attn_kv_b.weight", Role::kValue},
      {"attn_v.weight", Role::kValue},
      {"attn_k.weight", Role::kKey},
      {"attn_q.weight", Role::kQuery},
      {"attn_output.weight", Role::kAttentionOutput},
      {"ffn_up", Role::kUp},
      {"ffn_gate", Role::kGate},
      {"ffn_down", Role::kDown},
  }};
  if (name == "output.weight") return Role::kOutput;
  if (name == "token_embd.weight" || name == "per_layer_token_embd.weight") return Role::kTokens;
  const auto found = std::ranges::find_if(kParts, [&](const auto& row) { return has_part(name, row.first); });
  return found == kParts.end() ? Role::kOther : found->second;
}

/// The number in "blk.N."; -1 where there is none.
int64_t layer_of(std::string_view name) noexcept {
  constexpr std::string_view kStart = "blk.";
  if (!name.starts_with(kStart)) return -1;
  int64_t layer = -1;
  std::from_chars(name.data() + kStart.size(), name.data() + name.size(), layer);
  return layer;
}

const quant::Format& format_named(std::string_view name) {
  const quant::Format* format = quant::find_by_name(name);
  if (format == nullptr) fail_with(ErrorCode::kUnsupported, "type ", name, ": cannot be written yet");
  return *format;
}

// What rules ask about the whole file.
struct ModelFacts {
  int64_t n_layers = 0;
  int64_t n_value_matrices = 0;
  uint64_t n_experts = 0;
  bool is_grouped = false;
  bool is_70b = false;  // 80 layers with grouped values: llama.cpp's "70B", whose values keep five bits
  bool has_output = false;
};

/// A number that is one for all layers or an array of one for each: the first layer's.
std::optional<uint64_t> of_first_layer(const format::Metadata& metadata, const std::string& key) {
  const format::MetaValue* value = metadata.find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != format::ValueType::kArray) return metadata.get<uint64_t>(key);
  const format::Array* numbers = metadata.number_array(key);
  if (numbers->size == 0) return std::nullopt;
  return static_cast<uint64_t>(std::max<int64_t>(numbers->integer(0), 0));
}

ModelFacts facts_of(const format::ModelFile& file) {
  const format::Metadata& metadata = file.metadata();
  const auto architecture = metadata.require<std::string_view>("general.architecture");
  ModelFacts facts;
  facts.n_layers = metadata.get<int64_t>(str(architecture, ".block_count")).value_or(0);
  facts.n_experts = metadata.get<uint64_t>(str(architecture, ".expert_count")).value_or(0);
  const uint64_t n_heads = of_first_layer(metadata, str(architecture, ".attention.head_count")).value_or(0);
  const uint64_t n_kv_heads = of_first_layer(metadata, str(architecture, ".attention.head_count_kv")).value_or(n_heads);
  facts.is_grouped = n_kv_heads != 0 && n_heads / n_kv_heads >= 4;
  facts.is_70b =
      facts.n_layers == 80 && (architecture == "qwen2" || (architecture == "llama" && n_heads != n_kv_heads));
  for (const format::TensorEntry& tensor : file.tensors()) {
    const Role role = role_of(tensor.name);
    if (role == Role::kValue) ++facts.n_value_matrices;
    if (role == Role::kOutput) facts.has_output = true;
  }
  return facts;
}

bool is_in(Layers layers, int64_t layer, int64_t n) noexcept {
  const bool is_first_8th = layer < n / 8;
  const bool is_last_8th = layer >= 7 * n / 8;
  switch (layers) {
    case Layers::kAll:
      return true;
    case Layers::kFirstTwo:
      return layer < 2;
    case Layers::kFirstFour:
      return layer < 4;
    case Layers::kFirst16th:
      return layer < n / 16;
    case Layers::kFirst8th:
      return is_first_8th;
    case Layers::kEnds:
      return is_first_8th || is_last_8th || (layer - n / 8) % 3 == 2;
    case Layers::kMiddle:
      return !is_first_8th && !is_last_8th;
  }
  return false;
}

// Chooses for the tensors of a file one after another: a layer is told by how many matrices of its role came before.
class Chooser {
 public:
  Chooser(const ModelFacts& facts, const Mixture& mixture, bool has_importance)
      : facts_(facts), mixture_(mixture), has_importance_(has_importance) {}

  std::string_view choose(const format::TensorEntry& tensor) {
    const Role role = role_of(tensor.name);
    if (role == Role::kOutput || (role == Role::kTokens && !facts_.has_output)) return for_output(tensor);
    if (mixture_.name == "MXFP4_MOE") return tensor.dims[2] > 1 ? "MXFP4" : "Q8_0";
    const int64_t layer = count(role, tensor.name);
    const int64_t n = role == Role::kValue ? facts_.n_value_matrices : facts_.n_layers;
    for (const Rule& rule : kRules) {
      if (rule.role == role && has_word(rule.mixtures, mixture_.name) && is_for(rule.models) &&
          is_in(rule.layers, layer, n)) {
        return of_70b(role, rule.format);
      }
    }
    return of_70b(role, mixture_.format);
  }

 private:
  std::string_view for_output(const format::TensorEntry& tensor) const {
    if (mixture_.name == "MXFP4_MOE" || mixture_.format == "Q8_0") return "Q8_0";
    if (tensor.dims[0] % format_named(mixture_.format).block_len != 0) return "Q8_0";
    return mixture_.name == "IQ3_XXS" ? "Q5_K" : "Q6_K";
  }

  int64_t count(Role role, std::string_view name) {
    int64_t& n_before = n_seen_[static_cast<size_t>(role)];
    const int64_t place = n_before++;
    const bool is_feed_forward = role == Role::kUp || role == Role::kGate || role == Role::kDown;
    // With experts a layer has several matrices of a role.
    return is_feed_forward && facts_.n_experts > 1 ? layer_of(name) : place;
  }

  [[nodiscard]] bool is_for(Models models) const noexcept {
    switch (models) {
      case Models::kAll:
        return true;
      case Models::kGrouped:
        return facts_.is_grouped;
      case Models::kEight:
        return facts_.n_experts == 8;
      case Models::kNotEight:
        return facts_.n_experts != 8;
      case Models::kBlind:
        return !has_importance_;
      case Models::kWeighted:
        return has_importance_;
    }
    return false;
  }

  [[nodiscard]] std::string_view of_70b(Role role, std::string_view format) const noexcept {
    const bool is_raised = role == Role::kValue && facts_.is_70b && (format == "Q3_K" || format == "Q4_K");
    return is_raised ? "Q5_K" : format;
  }

  const ModelFacts& facts_;
  const Mixture& mixture_;
  const bool has_importance_;
  std::array<int64_t, 10> n_seen_{};
};

const quant::Format& fitting(const quant::Format& wanted, uint64_t n_cols) {
  if (n_cols % wanted.block_len == 0) return wanted;
  const auto row = std::ranges::find(kFallbacks, wanted.name, [](const auto& pair) { return pair.first; });
  if (row != kFallbacks.end()) {
    const quant::Format& smaller = format_named(row->second);
    if (n_cols % smaller.block_len == 0) return smaller;
  }
  return format_named("F16");
}

bool needs_importance(std::string_view name, std::string_view format, const Mixture& mixture) noexcept {
  if (role_of(name) == Role::kTokens || name == "output.weight") return false;
  return format == "IQ3_XXS" || format == "IQ2_S" || (format == "Q2_K" && mixture.name == "Q2_K_S");
}

char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

std::span<const Mixture> mixtures() noexcept { return kMixtures; }

const Mixture& mixture_named(std::string_view name) {
  std::string wanted(name);
  std::ranges::transform(wanted, wanted.begin(), upper);
  const auto alias = std::ranges::find(kAliases, wanted, [](const auto& pair) { return pair.first; });
  if (alias != kAliases.end()) wanted = alias->second;
  const auto found = std::ranges::find(kMixtures, wanted, &Mixture::name);
  if (found != kMixtures.end()) return *found;
  std::string names;
  for (const Mixture& mixture : kMixtures) names += str(names.empty() ? "" : ", ", mixture.name);
  fail_with(ErrorCode::kInvalidArgument, "type ", format::printable(std::string(name)), ": is not known; there are ",
            names);
}

TensorRule parse_tensor_rule(std::string_view text) {
  const size_t at = text.rfind('=');
  if (at == std::string_view::npos || at == 0)
    fail_with(ErrorCode::kInvalidArgument, "--tensor: ", text, ": expected PATTERN=TYPE");
  const quant::Format* format = quant::find_by_name(text.substr(at + 1));
  if (format == nullptr || format->encode == nullptr) {
    std::string names;
    for (const quant::Format& known : quant::formats()) {
      if (known.encode != nullptr && known.activation != quant::Activation::kNone)
        names += str(names.empty() ? "" : ", ", known.name);
    }
    fail_with(ErrorCode::kInvalidArgument, "--tensor: type ", text.substr(at + 1), ": cannot be written; there are ",
              names);
  }
  return {std::string(text.substr(0, at)), format};
}

bool matches(std::string_view pattern, std::string_view name) noexcept {
  // Pieces between stars, each found behind the one before.
  size_t from = 0;
  for (;;) {
    const size_t star = pattern.find('*');
    const std::string_view piece = pattern.substr(0, star);
    const size_t at = name.find(piece, from);
    if (at == std::string_view::npos) return false;
    if (star == std::string_view::npos) return true;
    from = at + piece.size();
    pattern.remove_prefix(star + 1);
  }
}

bool is_quantized(const format::TensorEntry& tensor) noexcept {
  const bool is_matrix = tensor.dims[1] * tensor.dims[2] * tensor.dims[3] > 1;
  if (!is_matrix || !tensor.name.ends_with("weight")) return false;
  if (tensor.name == "position_embd.weight" || tensor.name == "token_types.weight") return false;
  return std::ranges::none_of(kPlainParts, [&](std::string_view part) { return has_part(tensor.name, part); });
}

std::vector<TensorChoice> choose_formats(const format::ModelFile& file, const Mixture& mixture,
                                         const MixtureOptions& options) {
  const ModelFacts facts = facts_of(file);
  std::vector<TensorChoice> choices;
  for (const format::TensorEntry& tensor : file.tensors()) {
    if (tensor.format == nullptr) {
      fail_with(ErrorCode::kUnsupported, file.path(), ": tensor ", format::printable(std::string(tensor.name)),
                ": type ", format::gguf_type_name(tensor.type_id), " is not supported");
    }
    choices.push_back({&tensor, tensor.format});
  }
  std::ranges::sort(choices, {}, [](const TensorChoice& choice) {
    return std::pair(layer_of(choice.tensor->name), choice.tensor->name);
  });
  for (const TensorRule& rule : options.rules) {
    const auto is_meant = [&](const TensorChoice& choice) { return matches(rule.pattern, choice.tensor->name); };
    if (std::ranges::none_of(choices, is_meant))
      fail_with(ErrorCode::kInvalidArgument, "--tensor: ", format::printable(rule.pattern),
                ": is in no tensor's name; `kinglet inspect` lists the names");
  }
  Chooser chooser(facts, mixture, options.has_importance);
  const quant::Format& main = format_named(mixture.format);
  for (TensorChoice& choice : choices) {
    const format::TensorEntry& tensor = *choice.tensor;
    if (!is_quantized(tensor) || tensor.format->activation == quant::Activation::kNone) continue;
    if (options.leave_output && tensor.name == "output.weight") continue;
    const auto rule =
        std::ranges::find_if(options.rules, [&](const TensorRule& r) { return matches(r.pattern, tensor.name); });
    const quant::Format* wanted = &main;
    if (rule != options.rules.end())
      wanted = rule->format;
    else if (main.block_len > 1 && !options.pure)
      wanted = &format_named(chooser.choose(tensor));
    choice.format = &fitting(*wanted, tensor.dims[0]);
    choice.is_fallback = choice.format != wanted;
    choice.needs_importance = needs_importance(tensor.name, choice.format->name, mixture);
    if (choice.format != tensor.format && choice.format->encode == nullptr) {
      fail_with(ErrorCode::kUnsupported, "type ", choice.format->name, ": cannot be written, which ", mixture.name,
                " wants for ", tensor.name);
    }
  }
  return choices;
}

}  // namespace kinglet::convert
