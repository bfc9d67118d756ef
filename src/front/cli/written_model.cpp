#include "front/cli/written_model.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "front/cli/model_argument.h"
#include "model/convert/quantize.h"
#include "model/models/models.h"

namespace kinglet::cli {
namespace {

// What a folder is converted to without quantizing.
const quant::Format* plain_type(std::string_view name) {
  constexpr std::array<std::string_view, 4> kPlain = {"F32", "F16", "BF16", "Q8_0"};
  const quant::Format* format = quant::find_by_name(name);
  return format != nullptr && std::ranges::find(kPlain, format->name) != kPlain.end() ? format : nullptr;
}

}  // namespace

WrittenModel::WrittenModel(const std::string& path, const std::string& type) {
  const bool is_folder = std::filesystem::is_directory(path);
  if (!type.empty() && (!is_folder || plain_type(type) == nullptr)) mixture_ = &convert::mixture_named(type);
  file_ = open_as_file({path, path, {}});
  // What cannot be run is not worth writing: shapes and settings are checked as loading does.
  models::Model::check(*file_);
  if (mixture_ != nullptr) {
    choices_ = convert::choose_formats(*file_, *mixture_);
    convert::check_importance(choices_, nullptr);
  } else {
    plain_ = type.empty() ? &convert::type_of(*file_) : plain_type(type);
  }
}

uint64_t WrittenModel::size_bytes() const {
  return plain_ != nullptr ? convert::converted_size(*file_, *plain_) : convert::quantized_size(choices_);
}

std::string_view WrittenModel::type() const { return plain_ != nullptr ? plain_->name : mixture_->name; }

void WrittenModel::write(Session& session, const format::GgufWriter::Sink& sink,
                         const convert::Progress& progress) const {
  if (plain_ != nullptr) return convert::convert(*file_, *plain_, session.pool(), sink, progress);
  convert::QuantizeOptions options;
  options.mixture = mixture_;
  options.progress = progress;
  convert::quantize(*file_, choices_, options, session.table(), session.pool(), sink);
}

}  // namespace kinglet::cli
