#include "home/system/lock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "home/system/scratch_folder.h"

namespace kinglet::system {
namespace {

TEST(Lock, OneHolderOrManyReaders) {
  const ScratchFolder folder("lock_modes");
  const std::string path = folder.path() + "/x.lock";
  const FileDescriptor a = open_or_make(path);
  const FileDescriptor b = open_or_make(path);
  EXPECT_TRUE(try_lock(a, LockMode::kShared));
  EXPECT_TRUE(try_lock(b, LockMode::kShared));
  EXPECT_FALSE(try_lock(a, LockMode::kExclusive));
  const FileDescriptor c = open_or_make(path);
  EXPECT_FALSE(try_lock(c, LockMode::kExclusive));
}

TEST(Lock, WaitingCanBeGivenUp) {
  const ScratchFolder folder("lock_wait");
  const std::string path = folder.path() + "/x.lock";
  const FileLock held(path, LockMode::kExclusive);
  const FileDescriptor other = open_or_make(path);
  int n_asked = 0;
  EXPECT_FALSE(lock(other, LockMode::kExclusive, [&] { return ++n_asked < 3; }));
  EXPECT_EQ(n_asked, 3);
}

TEST(Lock, IsHandedOver) {
  const ScratchFolder folder("lock_turns");
  const std::string path = folder.path() + "/x.lock";
  std::atomic<int> inside{0};
  std::atomic<int> n_collisions{0};
  const auto take_turns = [&] {
    for (int i = 0; i < 50; ++i) {
      const FileLock lock(path, LockMode::kExclusive);
      if (++inside != 1) ++n_collisions;
      --inside;
    }
  };
  std::thread other(take_turns);
  take_turns();
  other.join();
  EXPECT_EQ(n_collisions, 0);
}

TEST(Lock, SeesThatAFileWasMovedAway) {
  const ScratchFolder folder("lock_named");
  const std::string path = folder.path() + "/x";
  const FileDescriptor file = open_or_make(path);
  EXPECT_TRUE(still_named(file, path));
  std::filesystem::rename(path, path + ".moved");
  EXPECT_FALSE(still_named(file, path));
  const FileDescriptor another = open_or_make(path);
  EXPECT_FALSE(still_named(file, path));
}

}  // namespace
}  // namespace kinglet::system
