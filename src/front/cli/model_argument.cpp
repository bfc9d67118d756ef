#include "front/cli/model_argument.h"
#include "front/cli/did_you_mean.h"

#include <charconv>
#include <cmath>
#include <filesystem>

#include "front/cli/interrupt.h"
#include "front/cli/progress.h"
#include "home/store/near_names.h"
#include "home/system/folder.h"
#include "model/format/hf_folder.h"
#include "model/format/printable.h"

namespace kinglet::cli {
namespace {

namespace fs = std::filesystem;

// A path that is there and can be a model; a name is none of these unless somebody made such a file.
bool names_model_on_disk(const std::string& text) {
  std::error_code ignored;
  return fs::is_regular_file(text, ignored) || fs::exists(fs::path(text) / "config.json", ignored);
}

[[noreturn]] void fail_missing_file(const std::string& text) {
  std::vector<std::string> others;
  std::error_code ignored;
  const fs::path folder = fs::path(text).parent_path();
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, ignored)) {
    others.push_back((folder / entry.path().filename()).string());
  }
  const std::string near = did_you_mean(store::nearest(text, others));
  fail_with(ErrorCode::kNotFound, text, ": no such file",
            near.empty() ? "; a model's name has no path in front of it" : near);
}

[[noreturn]] void fail_missing_model(Session& session, const store::ModelName& name, std::string_view why) {
  fail_with(ErrorCode::kNotFound, name.to_string(), ": no such model here", why,
            did_you_mean(session.store().near_names(name)));
}

// A name that is not here is pulled. Where the registry cannot even be asked, what is wrong is that it is not here.
store::StoredModel pull_missing(Session& session, const store::ModelName& name) {
  bool asked = false;
  try {
    return pull_model(session, name, &asked);
  } catch (const Error& error) {
    const bool offline = error.code() == ErrorCode::kRefused && session.options().offline;
    if (asked || !(offline || error.code() == ErrorCode::kNetwork)) throw;
    fail_missing_model(session, name, str(", and it cannot be pulled: ", error.message()));
  }
}

}  // namespace

ModelSource find_model(Session& session, const std::string& text, bool may_pull) {
  std::string path = text;
  if (path.starts_with("~/")) path = session.environment().home + path.substr(1);
  std::error_code ignored;
  const bool is_path = store::is_path(text);
  if (is_path && !fs::exists(path, ignored)) fail_missing_file(text);
  if (is_path || (text.find('/') != std::string::npos && names_model_on_disk(path))) return {text, path, {}};
  // A path need not look like one where it cannot be a name.
  std::optional<store::ModelName> name;
  try {
    name = store::ModelName::parse(text);
  } catch (const Error&) {
    if (names_model_on_disk(path)) return {text, path, {}};
    throw;
  }
  auto stored = session.store().find(*name);
  if (!stored && names_model_on_disk(path)) return {text, path, {}};
  if (!stored && !may_pull) fail_missing_model(session, *name, "");
  if (!stored) stored = pull_missing(session, *name);
  return chat::source_of(std::move(*stored));
}

void declare_adapters(Arguments& arguments, std::vector<std::string>& into) {
  arguments
      .option("--adapter", "FILE[=SCALE]", into,
              "A LoRA or DoRA adapter: a PEFT folder or a GGUF file; with a factor, 1 by default")
      .is_file = true;
}

void add_adapters(ModelSource& source, const std::vector<std::string>& texts) {
  std::error_code ignored;
  for (const std::string& text : texts) {
    models::Model::AdapterPath adapter{text};
    const size_t sign = text.rfind('=');
    if (sign != std::string::npos && !fs::exists(text, ignored)) {
      adapter.path = text.substr(0, sign);
      const char* begin = text.data() + sign + 1;
      const char* end = text.data() + text.size();
      const auto [parsed, error] = std::from_chars(begin, end, adapter.factor);
      if (error != std::errc() || parsed != end || !std::isfinite(adapter.factor)) {
        fail_with(ErrorCode::kInvalidArgument, "--adapter: ", text.substr(sign + 1), " of ", text,
                  " is no number; it is FILE=SCALE");
      }
    }
    if (!fs::exists(adapter.path, ignored))
      fail_with(ErrorCode::kNotFound, adapter.path, ": no such adapter; it is a PEFT folder or a GGUF file");
    source.adapters.push_back(std::move(adapter));
  }
}

void require_other_file(const std::string& out, const ModelSource& source) {
  std::error_code ignored;  // of one that is not there
  if (std::filesystem::equivalent(out, source.path, ignored))
    fail_with(ErrorCode::kInvalidArgument, out, ": is the model itself; name another file to write");
}

std::shared_ptr<const format::ModelFile> open_as_file(const ModelSource& source) {
  std::error_code ignored;
  if (!fs::is_directory(source.path, ignored)) return open_source(source);
  return format::open_hf_folder(source.path, models::hf_families(), {.as_file = true});
}

void require_room(const std::string& out, uint64_t n_bytes) {
  const std::string parent = fs::absolute(out).parent_path().string();
  if (const uint64_t n_free = system::free_bytes(parent); n_free < n_bytes)
    fail_with(ErrorCode::kNoSpace, out, ": needs ", n_bytes, " bytes of disk, ", n_free, " are free at ", parent);
}

chat::Settings settings_of(Session& session, const ModelSource& source, const format::Metadata& metadata) {
  std::vector<std::string> unknown;
  chat::Settings settings = chat::settings_of(source, metadata, &unknown);
  for (const std::string& name : unknown) {
    session.note(str("kinglet: ", source.name, ": its parameter ", format::printable(name),
                     " is not supported and is left out"));
  }
  return settings;
}

chat::LoadOptions load_options_of(const Session& session, const ModelSource& source, const chat::Settings& settings) {
  return chat::load_options_of(source, settings, session.kv_type(kernels::KvType::kF16));
}

store::StoredModel pull_model(Session& session, const store::ModelName& name, bool* asked) {
  InterruptWatch interrupt;
  ProgressLine line(session.shows_progress());
  auto stored = session.store().pull(name, [&](const store::Progress& progress) {
    if (asked != nullptr) *asked = progress.step != store::Step::kManifest;
    line.show(progress);
    return !interrupt.requested();
  });
  line.finish();
  return stored;
}

}  // namespace kinglet::cli
