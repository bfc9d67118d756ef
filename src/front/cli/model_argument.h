// The MODEL of a command line: a name, a GGUF file, or a Hugging Face folder.
#pragma once

#include <memory>
#include <string>

#include "front/cli/session.h"
#include "home/store/store.h"
#include "run/chat/chat.h"

namespace kinglet::cli {

using chat::ModelSource;
using chat::open_source;

/// What `--adapter FILE[=SCALE]` says, added to those of the model. Throws Error{kInvalidArgument} for a scale that is
/// no number, kNotFound for a file that is not there.
void add_adapters(ModelSource& source, const std::vector<std::string>& texts);
/// Declares that option.
void declare_adapters(Arguments& arguments, std::vector<std::string>& into);

/// Finds it. A name that is not here is pulled where `may_pull`. Throws Error{kNotFound} with near names (also where no
/// registry can be reached), and as Store::pull.
ModelSource find_model(Session& session, const std::string& text, bool may_pull = true);

/// Throws Error{kInvalidArgument} where the file to write is the model's own: what a mistake would replace.
void require_other_file(const std::string& out, const ModelSource& source);

/// The same for what a file is written from: a folder has the layout of files (HfOptions::as_file).
std::shared_ptr<const format::ModelFile> open_as_file(const ModelSource& source);
/// Throws Error{kNoSpace} with both numbers where the disk of a file to be written has no room for so many bytes.
void require_room(const std::string& out, uint64_t n_bytes);

/// The same as chat::settings_of; says which parameters are left out.
chat::Settings settings_of(Session& session, const ModelSource& source, const format::Metadata& metadata);

/// How the model is loaded with these settings, as --kv-type and the store say (chat::load_options_of).
chat::LoadOptions load_options_of(const Session& session, const ModelSource& source, const chat::Settings& settings);

/// Pulls, with progress on standard error. `asked` (may be null): the registry answered about the model.
store::StoredModel pull_model(Session& session, const store::ModelName& name, bool* asked = nullptr);

}  // namespace kinglet::cli
