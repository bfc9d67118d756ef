// Zip archives (wheels among them), read as untrusted input.
//
// Entries are handed out as bytes and never unpacked to paths, so a name such as "../x" is only a text. An entry that
// claims to shrink more than model files do is refused before it is read, and one that holds more than it claims where
// it does.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kinglet::system {

struct ZipEntry {
  std::string name;  ///< As the archive has it: any bytes.
  uint64_t size_bytes = 0;
};

/// An open archive. Movable; one thread at a time.
class ZipFile {
 public:
  /// Throws Error{kNotFound, kIo, or kInvalidFile for what is no archive}.
  explicit ZipFile(const std::string& path);
  ~ZipFile();
  ZipFile(ZipFile&&) noexcept;
  ZipFile& operator=(ZipFile&&) noexcept;

  [[nodiscard]] const std::vector<ZipEntry>& entries() const noexcept;

  /// Gives the unpacked bytes of an entry to the sink, in pieces; all of them together when it returns. Throws
  /// Error{kInvalidFile} for a damaged, encrypted or untruthful entry; what the sink throws passes through.
  void read(size_t entry_idx, const std::function<void(std::span<const std::byte>)>& sink) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kinglet::system
