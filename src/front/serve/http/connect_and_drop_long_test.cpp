#include "front/serve/http/connect_and_drop.h"

#include <gtest/gtest.h>

#include "home/system/file.h"

namespace kinglet::serve::http {
namespace {

uint64_t resident_bytes() {
  const std::string text = system::read_small_file("/proc/self/statm");
  return std::stoull(text.substr(text.find(' '))) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

TEST(ConnectAndDrop, TenThousandClientsLeaveTheMemoryAsItWas) {
  // What the test itself remembers would grow.
  struct Forgetful final : TestHandler {
    void finished(const Exchange&) override {}
  } handler;
  // Threads that are made later take memory later; and what the allocator keeps for each settles slowly.
  ServerOptions options = test_options();
  options.limits.n_workers = 16;
  const Server server(options, handler);
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(connect_and_drop(server, 1000));
  const uint64_t before = resident_bytes();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(connect_and_drop(server, 1000));
  const uint64_t after = resident_bytes();
  EXPECT_LT(static_cast<double>(after), static_cast<double>(before) * 1.02) << before << " bytes became " << after;
  RecordProperty("bytes_before", std::to_string(before));
  RecordProperty("bytes_after", std::to_string(after));
  EXPECT_EQ(handler.n_sources, 0);
}

}  // namespace
}  // namespace kinglet::serve::http
