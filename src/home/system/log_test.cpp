#include "home/system/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/base.h"
#include "home/system/scratch_folder.h"

namespace kinglet::system {
namespace {

std::vector<std::string> lines_of(const std::string& path) {
  const std::string text = read_file(path, uint64_t{1} << 24);
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

TEST(Log, WritesLinesOfJsonInOrder) {
  const ScratchFolder folder("log");
  const std::string path = folder.path() + "/log";
  {
    Log log({.path = path});
    log.write(LogLevel::kInfo, "started");
    log.write(LogLevel::kDebug, "not wanted");
    for (int i = 0; i < 1000; ++i) log.write(LogLevel::kError, "failed", {{"n", i}, {"why", "a \"b\"\n\xff"}});
  }
  const auto lines = lines_of(path);
  ASSERT_EQ(lines.size(), 1001U);
  const Json first = Json::parse(lines[0], "line");
  EXPECT_EQ(first.at("event").as_string("event"), "started");
  EXPECT_EQ(first.at("level").as_string("level"), "info");
  EXPECT_EQ(first.at("time").as_string("time").size(), 24U);
  for (int i = 0; i < 1000; ++i) {
    const Json one = Json::parse(lines[static_cast<size_t>(i) + 1], "line");
    ASSERT_EQ(one.at("n").as_integer("n"), i);
    ASSERT_EQ(one.at("why").as_string("why"), "a \"b\"\n\xEF\xBF\xBD");
  }
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
}

TEST(Log, WritesWordsThatCannotBeTakenForOthers) {
  const ScratchFolder folder("log");
  const std::string path = folder.path() + "/log";
  {
    Log log({.path = path, .json = false, .level = LogLevel::kDebug});
    log.write(LogLevel::kDebug, "request",
              {{"id", "req-1"}, {"path", "/a b"}, {"status", 200}, {"x", "a=\n"}, {"y", ""}});
  }
  const std::string line = lines_of(path).at(0);
  EXPECT_EQ(line.substr(24), R"( debug request id=req-1 path="/a b" status=200 x="a=\n" y="")");
}

TEST(Log, SaysTheTimeAsTheStandardDoes) {
  EXPECT_EQ(utc_text(784111777'123456), "1994-11-06T08:49:37.123Z");  // RFC 9110's example, as RFC 3339 writes it.
  EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00.000Z");
}

TEST(Log, KnowsItsLevels) {
  EXPECT_EQ(parse_log_level("warning"), LogLevel::kWarning);
  EXPECT_THROW(static_cast<void>(parse_log_level("loud")), Error);
  EXPECT_THROW(Log({.path = "/nowhere/at/all"}), Error);
}

TEST(Log, AFullDiskLosesLinesAndNothingElse) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
  Log log({.path = "/dev/full"});
  for (int i = 0; i < 100; ++i) log.write(LogLevel::kInfo, "request");
  for (int i = 0; i < 2000 && log.n_dropped() < 100; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(log.n_dropped(), 100U);
}

TEST(Log, GoesOnWhenThereIsRoomAgainAndSaysWhatIsMissing) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
  const ScratchFolder folder("log");
  const std::string path = folder.path() + "/log";
  std::filesystem::create_symlink("/dev/full", path);
  {
    Log log({.path = path});
    for (int i = 0; i < 3; ++i) log.write(LogLevel::kInfo, "lost");
    for (int i = 0; i < 2000 && log.n_dropped() < 3; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::filesystem::remove(path);
    log.reopen();
    log.write(LogLevel::kInfo, "found");
  }
  const auto lines = lines_of(path);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(Json::parse(lines[0], "line").at("event").as_string("event"), "log lines lost");
  EXPECT_EQ(Json::parse(lines[0], "line").at("n").as_integer("n"), 3);
  EXPECT_EQ(Json::parse(lines[1], "line").at("event").as_string("event"), "found");
}

TEST(Log, APipeThatNobodyReadsStopsNobody) {
  const ScratchFolder folder("log");
  const std::string path = folder.path() + "/pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const FileDescriptor reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  const auto start = std::chrono::steady_clock::now();
  {
    Log log({.path = path, .max_waiting = 100});
    for (int i = 0; i < 5000; ++i) log.write(LogLevel::kInfo, "request", {{"text", std::string(100, 'a')}});
    EXPECT_GT(log.n_dropped(), 0U);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(Log, APipeWhoseReaderHasGoneStopsNobody) {
  const ScratchFolder folder("log");
  const std::string path = folder.path() + "/pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  auto reader = std::make_unique<FileDescriptor>(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  Log log({.path = path});
  reader.reset();
  log.write(LogLevel::kInfo, "request");
  for (int i = 0; i < 2000 && log.n_dropped() < 1; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(log.n_dropped(), 1U);
}

TEST(Log, ManyMayWriteAtOnce) {
  const ScratchFolder folder("log");
  const std::string path = folder.path() + "/log";
  {
    Log log({.path = path});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) log.write(LogLevel::kInfo, "request", {{"i", i}});
      });
    }
    for (int i = 0; i < 20; ++i) log.reopen();
    for (std::thread& thread : threads) thread.join();
  }
  const auto lines = lines_of(path);
  EXPECT_EQ(lines.size(), 2000U);
  for (const std::string& line : lines) EXPECT_NO_THROW(static_cast<void>(Json::parse(line, "line"))) << line;
}

}  // namespace
}  // namespace kinglet::system
