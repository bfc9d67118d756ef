#include "home/system/zip.h"

#include <zip.h>

#include <algorithm>

#include "core/base/base.h"
#include "home/system/file.h"

namespace kinglet::system {
namespace {

constexpr uint64_t kMaxEntries = 100'000;
// Weights hardly shrink at all; texts shrink to a tenth. What shrinks more than this is a bomb, or not worth unpacking.
constexpr uint64_t kMaxRatio = 100;
constexpr uint64_t kAlwaysAllowedBytes = uint64_t{1} << 20;
constexpr size_t kPieceBytes = size_t{1} << 18;

struct CloseEntry {
  void operator()(zip_file_t* file) const noexcept { zip_fclose(file); }
};
struct CloseArchive {
  void operator()(zip_t* archive) const noexcept { zip_discard(archive); }
};

}  // namespace

struct ZipFile::State {
  std::string path;
  std::unique_ptr<zip_t, CloseArchive> archive;
  std::vector<ZipEntry> entries;
  std::vector<uint64_t> packed_bytes;

  [[noreturn]] void refuse(std::string_view why) const { fail_with(ErrorCode::kInvalidFile, path, ": ", why); }
  [[noreturn]] void refuse_entry(size_t idx, std::string_view why) const {
    fail_with(ErrorCode::kInvalidFile, path, ": entry ", idx, " ", why);
  }
};

ZipFile::ZipFile(const std::string& path) : state_(std::make_unique<State>()) {
  static_cast<void>(open_for_reading(path));  // its errors say more than the library's
  state_->path = path;
  int code = 0;
  state_->archive.reset(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  if (!state_->archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    state_->refuse(str("is no sound zip archive: ", why));
  }
  const auto n_entries = static_cast<uint64_t>(zip_get_num_entries(state_->archive.get(), 0));
  if (n_entries > kMaxEntries) state_->refuse(str("has ", n_entries, " entries, more than ", kMaxEntries));
  for (uint64_t i = 0; i < n_entries; ++i) {
    zip_stat_t facts;
    zip_stat_init(&facts);
    constexpr uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
    if (zip_stat_index(state_->archive.get(), i, ZIP_FL_ENC_RAW, &facts) != 0 || (facts.valid & kNeeded) != kNeeded) {
      state_->refuse_entry(i, "is damaged");
    }
    state_->entries.push_back({facts.name, facts.size});
    state_->packed_bytes.push_back(facts.comp_size);
  }
}
ZipFile::~ZipFile() = default;
ZipFile::ZipFile(ZipFile&&) noexcept = default;
ZipFile& ZipFile::operator=(ZipFile&&) noexcept = default;

const std::vector<ZipEntry>& ZipFile::entries() const noexcept { return state_->entries; }

void ZipFile::read(size_t entry_idx, const std::function<void(std::span<const std::byte>)>& sink) const {
  const uint64_t size = state_->entries.at(entry_idx).size_bytes;
  if (size > kAlwaysAllowedBytes && size / kMaxRatio > state_->packed_bytes[entry_idx]) {
    state_->refuse_entry(entry_idx, str("claims to hold ", size, " bytes in ", state_->packed_bytes[entry_idx],
                                        ", more than ", kMaxRatio, " times as many; it is not unpacked"));
  }
  const std::unique_ptr<zip_file_t, CloseEntry> file(zip_fopen_index(state_->archive.get(), entry_idx, 0));
  if (!file) state_->refuse_entry(entry_idx, str("cannot be read: ", zip_strerror(state_->archive.get())));
  std::vector<std::byte> piece(kPieceBytes);
  uint64_t done = 0;
  for (;;) {
    const zip_int64_t n = zip_fread(file.get(), piece.data(), piece.size());
    if (n < 0) state_->refuse_entry(entry_idx, str("is damaged: ", zip_file_strerror(file.get())));
    if (n == 0) break;
    done += static_cast<uint64_t>(n);
    if (done > size) state_->refuse_entry(entry_idx, str("holds more than the ", size, " bytes that it claims"));
    sink(std::span(piece).first(static_cast<size_t>(n)));
  }
  if (done != size) state_->refuse_entry(entry_idx, str("ends after ", done, " of ", size, " bytes"));
}

}  // namespace kinglet::system
