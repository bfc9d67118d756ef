#include "home/ledger/ledger.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <thread>
#include <vector>

#include "home/system/scratch_folder.h"
#include "home/system/test_child.h"

namespace kinglet::ledger {
namespace {

using system::ScratchFolder;
using system::TestChild;

Record record(int i) {
  return {.reason = i % 3 == 0 ? Reason::kEscalate : Reason::kFetch,
          .host = "registry.test",
          .port = 443,
          .request = "GET /v2/library/m/manifests/" + std::to_string(i),
          .content = i % 2 == 0 ? std::optional(system::Sha256::of("body")) : std::nullopt,
          .opening_id = i,
          .bytes_out = 100,
          .bytes_in = UINT64_C(5'000'000'000),
          .outcome = "200"};
}

std::vector<Entry> all(const Ledger& ledger) {
  std::vector<Entry> entries;
  ledger.read(0, [&](const Entry& entry) {
    entries.push_back(entry);
    return true;
  });
  return entries;
}

TEST(Ledger, KeepsWhatWasWritten) {
  const ScratchFolder folder("ledger_keep");
  db::Database database(folder.path() + "/k.db");
  Ledger ledger(database);
  EXPECT_FALSE(ledger.verify());
  EXPECT_FALSE(ledger.head());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ledger.append(record(i)), i + 1);
  const std::vector<Entry> entries = all(ledger);
  ASSERT_EQ(entries.size(), 5U);
  for (int i = 0; i < 5; ++i) {
    const Record& got = entries[static_cast<size_t>(i)].record;
    const Record want = record(i);
    EXPECT_EQ(got.reason, want.reason);
    EXPECT_EQ(got.host, want.host);
    EXPECT_EQ(got.port, want.port);
    EXPECT_EQ(got.request, want.request);
    EXPECT_EQ(got.content, want.content);
    EXPECT_EQ(got.opening_id, want.opening_id);
    EXPECT_EQ(got.bytes_out, want.bytes_out);
    EXPECT_EQ(got.bytes_in, want.bytes_in);
    EXPECT_EQ(got.outcome, want.outcome);
  }
  EXPECT_EQ(ledger.head(), entries.back().own);
  EXPECT_FALSE(ledger.verify());
}

// The hash of a row, from its definition in words: SHA-256 by `sha256sum` over the fields of record(1) at id 1.
TEST(Ledger, HashesAreThoseOfTheDefinition) {
  const ScratchFolder folder("ledger_hash");
  db::Database database(folder.path() + "/k.db");
  Ledger ledger(database);
  ledger.append(record(1));
  const Entry entry = all(ledger).front();
  const std::string time = std::to_string(entry.time_us);
  system::Sha256 sum;
  sum.add("kinglet ledger 1\n" + std::string(32, '\0') + "1:1" + std::to_string(time.size()) + ":" + time +
          "5:fetch13:registry.test3:44329:GET /v2/library/m/manifests/10:1:13:10010:50000000003:200");
  EXPECT_EQ(entry.own, sum.finish());
}

TEST(Ledger, RefusesToBeChangedByAccident) {
  const ScratchFolder folder("ledger_triggers");
  db::Database database(folder.path() + "/k.db");
  Ledger ledger(database);
  ledger.append(record(1));
  db::Database same(database.path());
  const std::array<std::string_view, 0> no_steps{};
  const auto connection = same.connect({"test", no_steps});
  EXPECT_ANY_THROW(connection->run("UPDATE ledger SET host = 'x'"));
  EXPECT_ANY_THROW(connection->run("DELETE FROM ledger"));
}

TEST(Ledger, TamperingShows) {
  const std::array<std::pair<std::string_view, int64_t>, 16> tampers = {{
      {"UPDATE ledger SET host = 'other.test' WHERE id = 3", 3},
      {"UPDATE ledger SET time_us = time_us + 1 WHERE id = 1", 1},
      {"UPDATE ledger SET port = 444 WHERE id = 5", 5},
      {"UPDATE ledger SET reason = 'fetch' WHERE id = 4", 4},
      {"UPDATE ledger SET reason = 'nothing' WHERE id = 4", 4},
      {"UPDATE ledger SET request = '' WHERE id = 2", 2},
      {"UPDATE ledger SET content = NULL WHERE id = 3", 3},
      {"UPDATE ledger SET opening_id = 0 WHERE id = 3", 3},
      {"UPDATE ledger SET bytes_out = 0 WHERE id = 3", 3},
      {"UPDATE ledger SET bytes_in = 0 WHERE id = 3", 3},
      {"UPDATE ledger SET outcome = 'failed' WHERE id = 3", 3},
      {"UPDATE ledger SET own = zeroblob(32) WHERE id = 3", 3},
      {"UPDATE ledger SET previous = zeroblob(32) WHERE id = 3", 3},
      {"DELETE FROM ledger WHERE id = 3", 3},
      {"DELETE FROM ledger WHERE id = 5", 5},
      {"UPDATE ledger SET own = x'00' WHERE id = 2", 2},
  }};
  for (const auto& [sql, broken_id] : tampers) {
    const ScratchFolder folder("ledger_tamper");
    db::Database database(folder.path() + "/k.db");
    Ledger ledger(database);
    for (int i = 0; i < 5; ++i) ledger.append(record(i));
    const std::array<std::string_view, 0> no_steps{};
    {
      const auto connection = database.connect({"test", no_steps});
      connection->run("DROP TRIGGER ledger_is_not_changed; DROP TRIGGER ledger_is_not_shortened");
      connection->run(sql);
    }
    const std::optional<Break> broken = ledger.verify();
    ASSERT_TRUE(broken) << sql;
    EXPECT_EQ(broken->id, broken_id) << sql << ": " << broken->why;
  }
}

TEST(LedgerChild, DISABLED_Appends) {
  db::Database database(TestChild::argument("PATH"));
  Ledger ledger(database);
  const int n = std::stoi(TestChild::argument("N"));
  for (int i = 0; i < n; ++i) ledger.append(record(i));
}

// A process that opens the file again keeps the locks that it has on it: without them another one that goes thinks
// itself the last, and takes away the log that is being written.
TEST(Ledger, ASecondConnectionLosesNothing) {
  const ScratchFolder folder("ledger_second");
  const std::string path = folder.path() + "/k.db";
  db::Database first(path);
  Ledger ledger(first);
  ledger.append(record(0));
  db::Database second(path);
  Ledger(second).append(record(1));
  TestChild child("LedgerChild.DISABLED_Appends", {{"PATH", path}, {"N", "1"}});
  EXPECT_EQ(child.wait(), 0);
  ledger.append(record(2));
  db::Database later(path);
  EXPECT_EQ(all(Ledger(later)).size(), 4U);
}

TEST(Ledger, ProcessesAppendToOneChain) {
  const ScratchFolder folder("ledger_processes");
  const std::string path = folder.path() + "/k.db";
  TestChild a("LedgerChild.DISABLED_Appends", {{"PATH", path}, {"N", "30"}});
  TestChild b("LedgerChild.DISABLED_Appends", {{"PATH", path}, {"N", "30"}});
  db::Database database(path);
  Ledger ledger(database);
  std::thread thread([&] {
    for (int i = 0; i < 30; ++i) ledger.append(record(i));
  });
  for (int i = 0; i < 30; ++i) ledger.append(record(i));
  thread.join();
  EXPECT_EQ(a.wait(), 0);
  EXPECT_EQ(b.wait(), 0);
  EXPECT_EQ(all(ledger).size(), 120U);
  const auto broken = ledger.verify();
  EXPECT_FALSE(broken) << broken->why;
}

TEST(Ledger, AKillLeavesAWholeChain) {
  const ScratchFolder folder("ledger_kill");
  const std::string path = folder.path() + "/k.db";
  db::Database database(path);
  Ledger ledger(database);
  size_t n_seen = 0;
  for (size_t round = 0; round < 5; ++round) {
    TestChild child("LedgerChild.DISABLED_Appends", {{"PATH", path}, {"N", "1000000"}});
    const size_t enough = n_seen + 5 + 3 * round;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (n_seen < enough && std::chrono::steady_clock::now() < deadline) n_seen = all(ledger).size();
    child.kill();
    EXPECT_GE(all(ledger).size(), n_seen);
    EXPECT_FALSE(ledger.verify());
  }
  EXPECT_GE(n_seen, 25U);
}

}  // namespace
}  // namespace kinglet::ledger
