// Source: llama.cpp's tools/gguf-split, which names the parts and their keys: split.no, split.count,
// split.tensors.count.
#include "model/format/gguf_split.h"

#include <filesystem>
#include <vector>

#include "model/format/gguf.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

constexpr uint32_t kMaxSplits = 4096;

std::string five_digits(uint32_t number) {
  const std::string digits = str(number);
  return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
}

std::string ending(uint32_t part_idx, uint32_t n_parts) {
  return str("-", five_digits(part_idx + 1), "-of-", five_digits(n_parts), ".gguf");
}

class GgufParts final : public ModelFile {
 public:
  explicit GgufParts(std::shared_ptr<const ModelFile> first) : ModelFile(first->path()) {
    const uint32_t n_parts = n_splits(*first);
    kind_ = str(first->kind(), " in ", n_parts, " parts");
    const std::string own_ending = ending(0, n_parts);
    if (!path().ends_with(own_ending))
      metadata_.refuse("split.count", str("is ", n_parts, ", expected a name ending in ", own_ending));
    const std::string stem = path().substr(0, path().size() - own_ending.size());
    for (const auto& [key, value] : first->metadata().entries()) metadata_.add_view(key, value);
    take(std::move(first), 0);
    for (uint32_t i = 1; i < n_parts; ++i) take(open_part(stem + ending(i, n_parts), n_parts), i);
    const auto n_tensors = metadata_.get<uint64_t>("split.tensors.count");
    if (n_tensors && *n_tensors != tensors().size()) {
      metadata_.refuse("split.tensors.count", str("is ", *n_tensors, ", the parts have ", tensors().size()));
    }
    // Joined they are a whole file.
    for (const std::string_view key : {"split.no", "split.count", "split.tensors.count"}) metadata_.remove(key);
  }

  void release(const TensorEntry& tensor) const override {
    for (const auto& part : parts_) {
      if (const TensorEntry* own = part->find(tensor.name)) part->release(*own);
    }
  }

 private:
  std::shared_ptr<const ModelFile> open_part(const std::string& part, uint32_t n_parts) const {
    if (!std::filesystem::exists(part))
      fail_with(ErrorCode::kInvalidFile, part, ": is missing, one of ", n_parts, " parts that begin with ", path());
    return open_gguf(part);
  }

  void take(std::shared_ptr<const ModelFile> part, uint32_t part_idx) {
    const uint32_t number = part->metadata().get<uint32_t>("split.no").value_or(0);
    if (number != part_idx) part->metadata().refuse("split.no", str("is ", number, ", expected ", part_idx));
    for (const TensorEntry& tensor : part->tensors()) {
      if (!add_tensor(tensor)) part->metadata().refuse(str("tensor ", printable(tensor.name)), "is in two parts");
    }
    file_bytes_ += part->file_bytes();
    parts_.push_back(std::move(part));
  }

  std::vector<std::shared_ptr<const ModelFile>> parts_;
};

}  // namespace

uint32_t n_splits(const ModelFile& file) {
  const uint32_t count = file.metadata().get<uint32_t>("split.count").value_or(1);
  if (count == 0 || count > kMaxSplits)
    file.metadata().refuse("split.count", str("is ", count, ", expected 1 to ", kMaxSplits));
  return count;
}

std::shared_ptr<const ModelFile> open_gguf_parts(std::shared_ptr<const ModelFile> first) {
  const uint32_t number = first->metadata().get<uint32_t>("split.no").value_or(0);
  if (number != 0) {
    fail_with(ErrorCode::kInvalidArgument, first->path(), ": is part ", number + 1, " of ", n_splits(*first),
              " of a model; name its first part");
  }
  return std::make_shared<GgufParts>(std::move(first));
}

}  // namespace kinglet::format
