// A beginning of a text as a file: its tokens and what the model made of them.
//
// The file is a GGUF file: what it is of stands in its metadata (kinglet.sequence.*), pages and states in its tensors.
// It appears whole or not at all, and what is read is checked as anything from outside.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/graph/graph.h"
#include "home/system/mapped_file.h"

namespace kinglet::engine {

/// An adapter that worked on a text.
struct UsedAdapter {
  std::string fingerprint;
  float factor = 0;
  auto operator<=>(const UsedAdapter&) const = default;
};

/// What has to be the same so that keys of one engine are those of another.
struct SequenceMaker {
  std::string model;    ///< Its fingerprint.
  std::string kernels;  ///< The instruction set, whose sums have an order of their own.
  std::string layout;   ///< Of pages and states, and the type of keys.
};
/// The layout as a text.
std::string name_of(const graph::SequenceLayout& layout);

struct SequenceImage {
  SequenceMaker maker;
  std::vector<UsedAdapter> adapters;
  uint64_t rope_variant = 0;
  std::vector<int32_t> tokens;
  size_t n_known = 0;  ///< Of them, whole pages whose keys are here.
  /// By group: pages of those that a row behind them sees, from n_first on; keys, then values.
  std::vector<std::vector<std::span<const std::byte>>> pages;
  std::span<const std::byte> state;
};

/// The first page of a group that a row behind n_pages of them sees.
size_t first_page(const graph::KvGroup& group, size_t n_pages) noexcept;

/// Syncs, then renames. Throws Error{kNoSpace or kIo}.
void write_sequence(const SequenceImage& image, const std::string& path);

/// A file that is open and checked.
class SequenceFile {
 public:
  /// Throws Error{kNotFound, kIo}, kInvalidFile where anything in it is damaged or does not fit together, and
  /// kUnsupported (what differs is said) where another model, instruction set or layout made it.
  SequenceFile(const std::string& path, const SequenceMaker& maker, const graph::SequenceLayout& layout);

  /// Its pages are in the mapped file.
  [[nodiscard]] const SequenceImage& image() const noexcept { return image_; }

 private:
  system::MappedFile mapped_;
  SequenceImage image_;
};

}  // namespace kinglet::engine
