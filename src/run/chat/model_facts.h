// What a model is, read from its file and from what the store has beside it: for people, and for what programs ask
// servers of models.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "run/chat/capabilities.h"
#include "run/chat/model_source.h"

namespace kinglet::chat {

/// Weights, counted by the elements of all tensors.
uint64_t parameter_count(const format::ModelFile& file);

/// "134.52M", "1.5B", as Ollama writes it: two digits behind the point of millions, one of billions, none where they
/// are whole.
std::string parameter_size(uint64_t n_parameters);

/// "Q4_K_M", as the file says, else the type that most bytes have.
std::string quantization_of(const format::ModelFile& file);

/// All of the license; what the file says of it where the store has no text. Empty: nothing is known.
std::string license_of(const ModelSource& source, const format::ModelFile& file);

/// A Modelfile that makes this model again: from its files, or from what `from` says where it is not empty.
std::string modelfile_of(const ModelSource& source, const std::string& from = {});

/// What lists of models say of each.
struct ModelFacts {
  std::string format;  ///< "gguf", or "safetensors" of a folder.
  std::string family;  ///< general.architecture.
  uint64_t n_parameters = 0;
  std::string parameter_size;
  std::string quantization;
  uint64_t context_len = 0;    ///< That it was trained for; 0: the file does not say.
  uint64_t embedding_len = 0;  ///< The same.
  Capabilities capabilities;
};
ModelFacts read_facts(const ModelSource& source, const format::ModelFile& file);

/// All that `/api/show` says beside them.
struct ModelDescription {
  ModelFacts facts;
  std::string license;
  std::string modelfile;      ///< FROM names the model, so that no path of this machine is told.
  std::string parameters;     ///< "stop    \"<|im_end|>\"" a line, as Ollama writes the stored ones.
  std::string template_text;  ///< The stored one, else the file's, else what stands in for it; empty: none.
  std::string system;
  system::Json messages;    ///< An array, or null.
  system::Json model_info;  ///< Keys of the file and general.parameter_count; without its name and template.
  system::Json tensors;     ///< An array of {"name", "type", "shape"}.
};
/// Arrays of more than five elements are empty in model_info unless `verbose`.
ModelDescription describe(const ModelSource& source, const format::ModelFile& file, bool verbose);

/// Facts of stored models, read once for each: a file is opened to see them. Thread-safe.
class FactsCache {
 public:
  /// `store` outlives it.
  explicit FactsCache(const store::Store& store) : store_(store) {}
  /// Of a model of the store's list. Null where the file cannot be read: a list shows the model all the same.
  std::shared_ptr<const ModelFacts> of(const store::StoredModel& model);

 private:
  // By digest and path; of the latest time that a file of unknown digest was changed.
  using Key = std::pair<std::string, int64_t>;
  const store::Store& store_;
  Mutex mutex_;
  std::map<Key, std::shared_ptr<const ModelFacts>> known_ GUARDED_BY(mutex_);
};

}  // namespace kinglet::chat
