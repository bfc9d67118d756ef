// A second process for tests: this test program again, with one of its disabled tests.
#pragma once

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern char** environ;

namespace kinglet::system {

/// Runs the test SUITE.DISABLED_NAME in a process of its own; killed if it is still there at the end.
class TestChild {
 public:
  /// `arguments` reach it as environment variables, read with argument().
  explicit TestChild(const std::string& test, const std::vector<std::pair<std::string, std::string>>& arguments = {}) {
    std::vector<std::string> words = {"/proc/self/exe", "--gtest_filter=" + test, "--gtest_also_run_disabled_tests",
                                      "--gtest_brief=1"};
    std::vector<std::string> variables;
    for (const auto& [name, value] : arguments) variables.push_back("KINGLET_TEST_" + name + "=" + value);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::vector<char*> env;
    for (char** variable = environ; *variable != nullptr; ++variable) env.push_back(*variable);
    for (std::string& variable : variables) env.push_back(variable.data());
    env.push_back(nullptr);
    if (::posix_spawn(&pid_, words[0].c_str(), nullptr, nullptr, argv.data(), env.data()) != 0) {
      throw std::runtime_error("the test program cannot be started again");
    }
  }
  ~TestChild() { kill(); }
  TestChild(const TestChild&) = delete;
  TestChild& operator=(const TestChild&) = delete;

  /// Ends it at once, wherever it is.
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
  }
  /// Its exit status, or -1 for one that was killed.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  static std::string argument(const std::string& name) {
    const std::string start = "KINGLET_TEST_" + name + "=";
    for (char** variable = environ; *variable != nullptr; ++variable) {
      if (std::string_view(*variable).starts_with(start)) return *variable + start.size();
    }
    return "";
  }

 private:
  pid_t pid_ = -1;
};

}  // namespace kinglet::system
