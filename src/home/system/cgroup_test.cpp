#include "home/system/cgroup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/base.h"
#include "home/system/scratch_folder.h"

namespace kinglet::system {
namespace {

using ::testing::ElementsAre;

TEST(Cgroup, FoldersOfAProcess) {
  // What a process of a systemd unit reads, then one in a container, then one outside of its container's groups.
  EXPECT_THAT(cgroup_folders("cpu", "/root", "0::/system.slice/a.service\n"),
              ElementsAre("/root/system.slice/a.service", "/root/system.slice", "/root"));
  EXPECT_THAT(cgroup_folders("cpu", "/root", "0::/\n"), ElementsAre("/root"));
  EXPECT_THAT(cgroup_folders("cpu", "/root", "0::/../other"), ElementsAre("/root"));
  // Version 1, with version 2 beside it for systemd itself.
  const std::string mixed = "5:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab\n3:cpuset:/\n1:name=systemd:/x\n0::/x\n";
  EXPECT_THAT(cgroup_folders("memory", "/root", mixed),
              ElementsAre("/root/memory/docker/ab", "/root/memory/docker", "/root/memory", "/root/x", "/root"));
  EXPECT_THAT(cgroup_folders("cpu", "/root", mixed),
              ElementsAre("/root/cpu/docker/ab", "/root/cpu/docker", "/root/cpu", "/root/x", "/root"));
  EXPECT_THAT(cgroup_folders("cpu", "/root", ""), ElementsAre());
  EXPECT_THAT(cgroup_folders("cpu", "/root", "nonsense\n:\n::\n"), ElementsAre());
}

TEST(Cgroup, TheTightestOfTheGroupsCounts) {
  const ScratchFolder root("cgroup");
  root.put("a/b/cpu.max", "max 100000\n");
  root.put("a/cpu.max", "150000 100000\n");
  root.put("cpu.max", "400000 100000\n");
  EXPECT_EQ(cgroup_cpus(cgroup_folders("cpu", root.path(), "0::/a/b\n")), 1.5);
  EXPECT_EQ(cgroup_cpus(cgroup_folders("cpu", root.path(), "0::/other\n")), 4);
  EXPECT_EQ(cgroup_cpus({}), HUGE_VAL);

  root.put("a/b/memory.max", "3000\n");
  root.put("a/b/memory.current", "1000\n");
  root.put("a/b/memory.stat", "anon 600\ninactive_file 400\n");
  root.put("a/memory.max", "5000\n");
  root.put("a/memory.current", "4500\n");
  root.put("memory.max", "max\n");
  const auto memory = cgroup_memory(cgroup_folders("memory", root.path(), "0::/a/b\n"));
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->limit_bytes, 3000U);
  EXPECT_EQ(memory->free_bytes, 500U);  // a has no more, although b may take 2400
  EXPECT_FALSE(cgroup_memory(cgroup_folders("memory", root.path(), "0::/\n")));
}

TEST(Cgroup, VersionOne) {
  const ScratchFolder root("cgroup1");
  root.put("cpu/x/cpu.cfs_quota_us", "50000\n");
  root.put("cpu/x/cpu.cfs_period_us", "100000\n");
  root.put("cpu/cpu.cfs_quota_us", "-1\n");
  root.put("cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cpus(cgroup_folders("cpu", root.path(), "4:cpu,cpuacct:/x\n")), 0.5);
  EXPECT_EQ(cgroup_cpus(cgroup_folders("cpu", root.path(), "4:cpu,cpuacct:/\n")), HUGE_VAL);
  root.put("memory/memory.limit_in_bytes", "1000\n");
  root.put("memory/memory.usage_in_bytes", "900\n");
  root.put("memory/memory.stat", "inactive_file 5\ntotal_inactive_file 300\n");
  // As a container sees it: its own group is the root, whatever its path says.
  const auto memory = cgroup_memory(cgroup_folders("memory", root.path(), "5:memory:/docker/ab\n"));
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->limit_bytes, 1000U);
  EXPECT_EQ(memory->free_bytes, 400U);
}

}  // namespace
}  // namespace kinglet::system
