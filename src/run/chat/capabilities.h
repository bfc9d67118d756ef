// What a model can be asked for, read from its file and its template.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/format/model_file.h"

namespace kinglet::chat {

struct Capabilities {
  bool completion = false;  ///< It goes on texts.
  bool tools = false;       ///< Its template tells it of tools.
  bool thinking = false;    ///< Its template has a place for thoughts before the answer.
  bool insert = false;      ///< It fills in what stands between two texts.
  bool embedding = false;   ///< It is made for vectors. Others give some, too.
  bool rerank = false;      ///< It scores how well documents answer a query.
  bool classification = false;
  bool token_classification = false;

  /// "completion", "tools", ...: those that it has, the words that Ollama has for them where it has any.
  [[nodiscard]] std::vector<std::string_view> names() const;
};

/// `stored_template` is the store's TEMPLATE; empty: the file's own counts. Nothing for an architecture that is not
/// known.
Capabilities capabilities_of(const format::ModelFile& file, const std::string& stored_template = {});

}  // namespace kinglet::chat
