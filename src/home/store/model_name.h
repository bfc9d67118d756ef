// Names of models, as Ollama writes them: HOST/NAMESPACE/NAME:TAG with short forms.
#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace kinglet::store {

inline constexpr std::string_view kDefaultHost = "registry.ollama.ai";
inline constexpr std::string_view kDefaultNamespace = "library";
inline constexpr std::string_view kDefaultTag = "latest";
inline constexpr std::string_view kHuggingFaceHost = "hf.co";

/// A model's name. Parts begin with a letter, a digit or '_' and hold letters, digits and "-_." (a host also ':' before
/// its port), so each is a safe name of a folder.
struct ModelName {
  std::string host{kDefaultHost};
  std::string name_space{kDefaultNamespace};
  std::string name;
  std::string tag{kDefaultTag};
  /// Its registry is spoken to without TLS: named with http://, or on loopback and not named with https://. No part of
  /// the identity.
  bool plain_http = false;

  /// Reads [http[s]://][HOST/][NAMESPACE/]NAME[:TAG]. "huggingface.co" becomes "hf.co", and letters of a host become
  /// small. Throws Error{kInvalidArgument} that says what is wrong with it.
  static ModelName parse(std::string_view text);

  /// The shortest form that parses back, always with its tag: "smollm2:135m", "hf.co/USER/REPO:Q4_K_M".
  [[nodiscard]] std::string to_string() const;
  /// The same without a scheme and with all four parts: "registry.ollama.ai/library/smollm2:135m".
  [[nodiscard]] std::string full() const;
  [[nodiscard]] bool is_hugging_face() const { return host == kHuggingFaceHost; }

  /// The same model: letters count alike in both cases, as Ollama looks names up.
  friend bool operator==(const ModelName& a, const ModelName& b);
};

/// Whether a MODEL that a user typed means a path, not a name: it begins with '/', "./", "../" or "~/", or ends with
/// ".gguf". Something else that exists on the disk (a folder "smollm2") is named as "./smollm2".
bool is_path(std::string_view text);

}  // namespace kinglet::store
