// The normalizers of a tokenizer.json. Internal to model/format.
#pragma once

#include <string>
#include <vector>

#include "model/format/hf_components.h"

namespace kinglet::format {

/// What the normalizers say, together.
struct Normalizing {
  std::vector<std::string> forms;  ///< nfc, nfd, nfkc, nfkd, lowercase, strip_accents: in order
  bool prepends_mark = false;
  bool marks_spaces = false;
  bool joins_spaces = false;
  bool strips = false;
  std::string charsmap;             ///< SentencePiece's table, its bytes.
  const Component* bert = nullptr;  ///< One of `parts`.
};

/// Throws Error{kUnsupported} for one that is not known, or does what no key of GGUF says.
Normalizing read_normalizers(const std::vector<Component>& parts);

}  // namespace kinglet::format
