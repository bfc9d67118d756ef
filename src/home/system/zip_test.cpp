#include "home/system/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include "core/base/base.h"
#include "home/system/scratch_folder.h"
#include "home/system/zip_samples.h"

namespace kinglet::system {
namespace {

using ::testing::HasSubstr;

std::string content_of(const ZipFile& zip, size_t entry_idx) {
  std::string text;
  zip.read(entry_idx, [&](std::span<const std::byte> bytes) {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  return text;
}

std::string failure(const std::function<void()>& work, ErrorCode code) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.message();
    return error.message();
  }
  ADD_FAILURE() << "nothing was refused";
  return "";
}

// A deflated archive, written by the library.
std::string deflated(const ScratchFolder& folder, const std::string& content) {
  std::string path = folder.path() + "/deflated.zip";
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  zip_source_t* source = zip_source_buffer(archive, content.data(), content.size(), 0);
  const zip_int64_t entry = zip_file_add(archive, "data", source, ZIP_FL_ENC_UTF_8);
  zip_set_file_compression(archive, static_cast<zip_uint64_t>(entry), ZIP_CM_DEFLATE, 9);
  zip_close(archive);
  return path;
}

TEST(Zip, ReadsEntriesWhateverTheirNames) {
  const ScratchFolder folder("zip_read");
  const ZipFile zip(
      folder.put("a.zip", samples::stored_zip({{"../../etc/passwd", "one"}, {"/b", ""}, {"c", "three"}})));
  ASSERT_EQ(zip.entries().size(), 3U);
  EXPECT_EQ(zip.entries()[0].name, "../../etc/passwd");
  EXPECT_EQ(zip.entries()[2].size_bytes, 5U);
  EXPECT_EQ(content_of(zip, 0), "one");
  EXPECT_EQ(content_of(zip, 1), "");
  EXPECT_EQ(content_of(zip, 2), "three");
}

TEST(Zip, ReadsDeflatedEntries) {
  const ScratchFolder folder("zip_deflated");
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += str(i * 7919 % 10007, ' ');
  EXPECT_EQ(content_of(ZipFile(deflated(folder, text)), 0), text);
}

TEST(Zip, RefusesBombs) {
  const ScratchFolder folder("zip_bomb");
  const ZipFile zip(deflated(folder, std::string(20'000'000, '\0')));
  EXPECT_THAT(failure([&] { static_cast<void>(content_of(zip, 0)); }, ErrorCode::kInvalidFile),
              HasSubstr("claims to hold 20000000 bytes"));
}

TEST(Zip, RefusesEntriesThatAreNotWhatTheyClaim) {
  const ScratchFolder folder("zip_lies");
  for (const uint32_t claimed : {2U, 400U}) {
    const std::string path = folder.put("a.zip", samples::stored_zip({{"a", "content", claimed}}));
    failure([&] { static_cast<void>(content_of(ZipFile(path), 0)); }, ErrorCode::kInvalidFile);
  }
}

TEST(Zip, RefusesDamagedArchives) {
  const ScratchFolder folder("zip_damaged");
  const std::string sound = samples::stored_zip({{"name", "some content of an entry"}, {"other", "more of it"}});
  size_t n_refused = 0;
  for (size_t i = 0; i < sound.size(); ++i) {
    for (const bool cut : {true, false}) {
      std::string bytes = cut ? sound.substr(0, i) : sound;
      if (!cut) bytes[i] = static_cast<char>(bytes[i] ^ 0xFF);
      const std::string path = folder.put("a.zip", bytes);
      try {
        const ZipFile zip(path);
        for (size_t entry = 0; entry < zip.entries().size(); ++entry) static_cast<void>(content_of(zip, entry));
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kInvalidFile) << error.message();
        ++n_refused;
      }
    }
  }
  EXPECT_GE(n_refused, sound.size());  // every cut, and most flips: some fields mean nothing to a reader
  failure([&] { ZipFile(folder.path() + "/none.zip"); }, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace kinglet::system
