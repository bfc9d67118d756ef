#include "home/system/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "core/base/base.h"
#include "home/system/file.h"
#include "home/system/test_failure.h"

namespace kinglet::system {
namespace {

using Clock = ChildProcess::Clock;

Clock::time_point soon() { return Clock::now() + std::chrono::seconds(20); }

std::string read_until(ChildProcess& child, std::string_view end) {
  std::string text;
  while (text.find(end) == std::string::npos && child.read(text, soon())) {
  }
  return text;
}

TEST(ChildProcess, SpeaksThroughItsInputAndOutput) {
  ChildProcess child({.command = {"cat"}});
  child.write("one\n", soon());
  EXPECT_EQ(read_until(child, "\n"), "one\n");
  const std::string large(300'000, 'x');  // more than any buffer in between would take: it is read in turns
  child.write("two\n", soon());
  EXPECT_EQ(read_until(child, "\n"), "two\n");
}

TEST(ChildProcess, SeesItsEnvironmentAlone) {
  ChildProcess child({.command = {"/usr/bin/env"}, .environment = {"NAME=value"}});
  EXPECT_EQ(read_until(child, "never"), "NAME=value\n");
}

TEST(ChildProcess, SaysWhatIsNotThere) {
  const Error error = failure([] { ChildProcess child({.command = {"/no/such/program"}}); });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_EQ(error.message(), "/no/such/program: No such file or directory");
  EXPECT_EQ(failure([] { ChildProcess child({.command = {}}); }).message(), "process: the command is empty");
}

TEST(ChildProcess, WaitsNoLongerThanItIsTold) {
  ChildProcess child({.command = {"sleep", "100"}});
  const auto start = Clock::now();
  std::string text;
  EXPECT_TRUE(child.read(text, start + std::chrono::milliseconds(30)));
  EXPECT_TRUE(text.empty());
  EXPECT_THROW(child.write(std::string(10'000'000, 'x'), Clock::now() + std::chrono::milliseconds(30)), Error);
}

TEST(ChildProcess, OneThatHasEndedIsAnError) {
  ChildProcess child({.command = {"true"}});
  std::string text;
  while (child.read(text, soon())) {
  }
  EXPECT_THROW(
      {
        for (int i = 0; i < 1000; ++i) child.write("x", soon());
      },
      Error);
}

// One that does not leave by itself, with a child of its own.
TEST(ChildProcess, IsGoneWhenItsObjectIs) {
  pid_t pid = 0;
  pid_t inner = 0;
  {
    ChildProcess child({.command = {"sh", "-c", "trap '' TERM; sleep 100 & echo $!; wait; sleep 100"}});
    pid = child.pid();
    inner = std::stoi(read_until(child, "\n"));
  }
  EXPECT_EQ(::kill(pid, 0), -1);
  // Nobody may have asked yet how it ended; then its entry is there, and nothing else of it.
  const auto is_gone = [&] {
    const std::string state = read_small_file(str("/proc/", inner, "/stat"));
    return state.empty() || state.find(") Z ") != std::string::npos;
  };
  for (int i = 0; i < 1000 && !is_gone(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_TRUE(is_gone());
}

}  // namespace
}  // namespace kinglet::system
