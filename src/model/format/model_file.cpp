#include "model/format/model_file.h"

namespace kinglet::format {

const TensorEntry* ModelFile::find(std::string_view name) const noexcept {
  const auto place = by_name_.find(name);
  return place == by_name_.end() ? nullptr : &tensors_[place->second];
}

void ModelFile::read(const TensorEntry& tensor, const std::function<void(std::span<const std::byte>)>& use) const {
  use({tensor.data, static_cast<size_t>(tensor.size_bytes)});
}

bool ModelFile::add_tensor(TensorEntry tensor) {
  if (!by_name_.emplace(tensor.name, tensors_.size()).second) return false;
  tensors_.push_back(tensor);
  return true;
}

}  // namespace kinglet::format
