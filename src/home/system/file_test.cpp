#include "home/system/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/base/base.h"
#include "home/system/folder.h"
#include "home/system/scratch_folder.h"

namespace kinglet::system {
namespace {

size_t n_files(const std::string& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(File, AtomicFileAppearsWhole) {
  const ScratchFolder folder("file_atomic");
  const std::string path = folder.put("a", "old");
  {
    AtomicFile file(path);
    file.write("new ");
    file.write("content");
    EXPECT_EQ(read_file(path, 100), "old");
    file.commit();
  }
  EXPECT_EQ(read_file(path, 100), "new content");
  {
    AtomicFile(path).write("dropped");
  }
  EXPECT_EQ(read_file(path, 100), "new content");
  EXPECT_EQ(n_files(folder.path()), 1U);
}

TEST(File, WhatKilledProcessesLeftIsInNobodysWay) {
  const ScratchFolder folder("file_leftover");
  const std::string path = folder.path() + "/a";
  // In a container each process may have the number of the one before.
  const auto leftover = [&](int i) { return str("a.", ::getpid(), "-", i, ".part"); };
  for (int i = 0; i < 100; ++i) folder.put(leftover(i), "half of a file");
  write_file(path, "whole");
  EXPECT_EQ(read_file(path, 100), "whole");
  EXPECT_EQ(n_files(folder.path()), 101U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(read_file(str(folder.path(), '/', leftover(i)), 100), "half of a file");
}

TEST(File, ReadFileStopsAtItsLimit) {
  const ScratchFolder folder("file_limit");
  const std::string path = folder.put("a", "0123456789");
  EXPECT_EQ(read_file(path, 10), "0123456789");
  EXPECT_THROW(static_cast<void>(read_file(path, 9)), Error);
}

TEST(File, WritesGoOnWhereTheSizeWasSet) {
  const ScratchFolder folder("file_size");
  const std::string path = folder.put("a", "0123456789");
  const FileDescriptor file = open_or_make(path);
  set_size(file, 4, path);
  write_all(file, std::as_bytes(std::span("xy", 2)), path);
  EXPECT_EQ(read_file(path, 100), "0123xy");
  std::string seen;
  read_all(file, path, [&](std::span<const std::byte> bytes) {
    seen.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  EXPECT_EQ(seen, "0123xy");
}

TEST(File, SharedFileHasTheSameBytes) {
  const ScratchFolder folder("file_share");
  const std::string path = folder.put("a", "content");
  const std::string link = folder.path() + "/link";
  std::filesystem::create_symlink("a", link);
  ASSERT_TRUE(share_file(link, folder.path() + "/b", Content::kNeverChanges));
  EXPECT_EQ(read_file(folder.path() + "/b", 100), "content");
  EXPECT_FALSE(std::filesystem::is_symlink(folder.path() + "/b"));
  EXPECT_FALSE(share_file(path, folder.path() + "/no folder/b", Content::kNeverChanges));
  EXPECT_FALSE(share_file(path, folder.path() + "/b", Content::kNeverChanges));
  if (share_file(path, folder.path() + "/c", Content::kMayChange)) {
    std::ofstream(path) << "changed";
    EXPECT_EQ(read_file(folder.path() + "/c", 100), "content");
  } else {
    EXPECT_FALSE(std::filesystem::exists(folder.path() + "/c"));
  }
}

TEST(Folder, IsMadeForThisUserAlone) {
  const ScratchFolder folder("folder_make");
  make_folders(folder.path() + "/a/b/c/");
  struct stat facts{};
  ASSERT_EQ(::stat((folder.path() + "/a/b").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700U);
  const std::string file = folder.put("file", "");
  EXPECT_THROW(make_folders(file), Error);
  EXPECT_THROW(make_folders(file + "/x"), Error);
}

TEST(Folder, KnowsItsDisk) {
  EXPECT_GT(free_bytes(std::filesystem::temp_directory_path().string() + "/not/there/yet"), 0U);
  EXPECT_FALSE(facts_of("/not/there"));
  const ScratchFolder folder("folder_facts");
  EXPECT_TRUE(facts_of(folder.path())->is_folder);
  EXPECT_EQ(facts_of(folder.put("a", "123"))->size_bytes, 3U);
}

}  // namespace
}  // namespace kinglet::system
