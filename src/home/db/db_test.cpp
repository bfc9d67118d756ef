#include "home/db/db.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <thread>

#include "core/base/base.h"
#include "home/system/scratch_folder.h"
#include "home/system/test_child.h"
#include "home/system/test_failure.h"

namespace kinglet::db {
namespace {

using system::failure;
using system::ScratchFolder;
using system::TestChild;
using ::testing::HasSubstr;

constexpr std::array<std::string_view, 1> kFirst = {"CREATE TABLE t (a INTEGER, b TEXT, c BLOB, d REAL)"};
constexpr std::array<std::string_view, 2> kSecond = {kFirst[0], "ALTER TABLE t ADD COLUMN e TEXT DEFAULT 'new'"};
constexpr Schema kSchema = {"t", kFirst};

int64_t count(Connection& connection) {
  Statement statement = connection.prepare("SELECT count(*) FROM t");
  EXPECT_TRUE(statement.step());
  return statement.integer(0);
}

TEST(Db, KeepsValuesOfEveryKind) {
  const ScratchFolder folder("db_values");
  Database database(folder.path() + "/a/b/k.db");
  const auto connection = database.connect(kSchema);
  const std::string text("with\0zero", 9);
  const std::array<std::byte, 3> bytes{std::byte{0}, std::byte{255}, std::byte{7}};
  connection->prepare("INSERT INTO t VALUES (?1, ?2, ?3, ?4)")
      .bind(int64_t{-5}, text, std::span<const std::byte>(bytes), 0.1)
      .run();
  connection->prepare("INSERT INTO t VALUES (?1, ?2, ?3, ?4)")
      .bind(nullptr, std::string_view(), std::span<const std::byte>(), nullptr)
      .run();
  Statement rows = connection->prepare("SELECT a, b, c, d FROM t ORDER BY rowid");
  ASSERT_TRUE(rows.step());
  EXPECT_EQ(rows.integer(0), -5);
  EXPECT_EQ(rows.text(1), text);
  EXPECT_TRUE(std::ranges::equal(rows.bytes(2), bytes));
  EXPECT_EQ(rows.real(3), 0.1);
  ASSERT_TRUE(rows.step());
  EXPECT_TRUE(rows.is_null(0));
  EXPECT_FALSE(rows.is_null(1));
  EXPECT_FALSE(rows.is_null(2));
  EXPECT_FALSE(rows.step());
  struct stat facts{};
  ASSERT_EQ(::stat(database.path().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
}

TEST(Db, StatementsMayBeNestedAndAreKept) {
  const ScratchFolder folder("db_nested");
  Database database(folder.path() + "/k.db");
  const auto connection = database.connect(kSchema);
  for (int64_t i = 0; i < 3; ++i) connection->prepare("INSERT INTO t(a) VALUES (?1)").bind(i).run();
  constexpr std::string_view kSql = "SELECT a FROM t ORDER BY a";
  int n = 0;
  Statement outer = connection->prepare(kSql);
  while (outer.step()) {
    Statement inner = connection->prepare(kSql);
    while (inner.step()) ++n;
  }
  EXPECT_EQ(n, 9);
}

TEST(Db, SchemasGrow) {
  const ScratchFolder folder("db_schema");
  const std::string path = folder.path() + "/k.db";
  {
    Database database(path);
    database.connect(kSchema)->run("INSERT INTO t(a) VALUES (1)");
  }
  {
    Database database(path);
    const auto connection = database.connect({"t", kSecond});
    Statement row = connection->prepare("SELECT e FROM t");
    ASSERT_TRUE(row.step());
    EXPECT_EQ(row.text(0), "new");
  }
  Database database(path);
  const Error error = failure([&] { database.connect(kSchema); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.message(), HasSubstr("newer Kinglet"));
}

TEST(Db, TransactionsAreTakenBack) {
  const ScratchFolder folder("db_rollback");
  Database database(folder.path() + "/k.db");
  const auto connection = database.connect(kSchema);
  try {
    const Transaction transaction(*connection);
    connection->run("INSERT INTO t(a) VALUES (1)");
    connection->run("INSERT INTO nothing VALUES (1)");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInternal);
  }
  EXPECT_EQ(count(*connection), 0);
  Transaction transaction(*connection);
  connection->run("INSERT INTO t(a) VALUES (1)");
  transaction.commit();
  EXPECT_EQ(count(*connection), 1);
}

TEST(Db, DamagedFilesAreNamed) {
  const ScratchFolder folder("db_damaged");
  Database database(folder.put("k.db", std::string(10'000, 'x')));
  const Error error = failure([&] { database.connect(kSchema); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidFile);
  EXPECT_THAT(error.message(), HasSubstr(database.path()));
  Database in_a_file(folder.put("file", "") + "/k.db");
  EXPECT_EQ(failure([&] { in_a_file.connect(kSchema); }).code(), ErrorCode::kIo);
}

// Each of several threads and processes adds 1 to a number that it has read before.
void count_up(const std::string& path, int n) {
  Database database(path);
  for (int i = 0; i < n; ++i) {
    const auto connection = database.connect(kSchema);
    Transaction transaction(*connection);
    int64_t value = 0;
    {
      Statement read = connection->prepare("SELECT max(a) FROM t");
      if (read.step()) value = read.integer(0);
    }
    connection->prepare("INSERT INTO t(a, b) VALUES (?1, 'x')").bind(value + 1).run();
    connection->prepare("INSERT INTO t(a, b) VALUES (?1, 'y')").bind(value + 1).run();
    transaction.commit();
  }
}

TEST(DbChild, DISABLED_CountsUp) { count_up(TestChild::argument("PATH"), std::stoi(TestChild::argument("N"))); }

TEST(Db, WritersTakeTurns) {
  const ScratchFolder folder("db_turns");
  const std::string path = folder.path() + "/k.db";
  TestChild a("DbChild.DISABLED_CountsUp", {{"PATH", path}, {"N", "40"}});
  TestChild b("DbChild.DISABLED_CountsUp", {{"PATH", path}, {"N", "40"}});
  std::thread thread([&] { count_up(path, 40); });
  count_up(path, 40);
  thread.join();
  EXPECT_EQ(a.wait(), 0);
  EXPECT_EQ(b.wait(), 0);
  Database database(path);
  const auto connection = database.connect(kSchema);
  Statement statement = connection->prepare("SELECT max(a), count(*) FROM t");
  ASSERT_TRUE(statement.step());
  EXPECT_EQ(statement.integer(0), 160);
  EXPECT_EQ(statement.integer(1), 320);
}

TEST(Db, AKillLosesOnlyWhatWasNotCommitted) {
  const ScratchFolder folder("db_kill");
  const std::string path = folder.path() + "/k.db";
  int64_t n_seen = 0;
  for (int round = 0; round < 6; ++round) {
    TestChild child("DbChild.DISABLED_CountsUp", {{"PATH", path}, {"N", "1000000"}});
    const int64_t enough = n_seen + 10 + 7 * round;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    Database database(path);
    while (n_seen < enough && std::chrono::steady_clock::now() < deadline) n_seen = count(*database.connect(kSchema));
    child.kill();
    const auto connection = database.connect(kSchema);
    EXPECT_GE(count(*connection), n_seen);
    Statement halves = connection->prepare("SELECT a FROM t GROUP BY a HAVING count(*) <> 2");
    EXPECT_FALSE(halves.step());
    Statement check = connection->prepare("PRAGMA integrity_check");
    ASSERT_TRUE(check.step());
    EXPECT_EQ(check.text(0), "ok");
  }
  EXPECT_GE(n_seen, 40);
}

}  // namespace
}  // namespace kinglet::db
