// Against a small server in Python (tests/e2e/mcp_server.py).
#include "run/chat/mcp/mcp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/base/base.h"
#include "home/system/child_process.h"
#include "home/system/scratch_folder.h"
#include "home/system/test_failure.h"

namespace kinglet::chat {
namespace {

using system::Json;
using system::JsonObject;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> server_command(const std::vector<std::string>& more = {}) {
  const char* source = std::getenv("KINGLET_SOURCE");
  std::vector<std::string> command{"python3", "-B", str(source == nullptr ? "." : source, "/tests/e2e/mcp_server.py")};
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

// A door whose ledger lies in a folder of its own.
struct Ways {
  system::ScratchFolder folder{"mcp"};
  db::Database database{folder.path() + "/kinglet.db"};
  ledger::Ledger book{database};
  egress::Door door{{.escalate = egress::EscalatePolicy::kAllow}, book};
  std::vector<std::string> started = {};

  McpTools connect(const std::vector<McpServer>& servers,
                   std::chrono::milliseconds call_timeout = std::chrono::seconds(60)) {
    const char* path = std::getenv("PATH");
    McpOptions options{.environment = {str("PATH=", path == nullptr ? "" : path)}, .call_timeout = call_timeout};
    return McpTools(servers, options, door, [&](const McpServer& server) { started.push_back(server.name); });
  }
  McpTools program(const std::string& mode, std::chrono::milliseconds call_timeout = std::chrono::seconds(60)) {
    return connect({{.name = "test", .command = server_command({"--mode", mode})}}, call_timeout);
  }
};

std::vector<std::string> names_of(const McpTools& tools) {
  std::vector<std::string> names;
  const Json all = tools.tools();
  for (const Json& tool : all.as_array("tools")) names.push_back(tool.at("function").at("name").as_string("name"));
  return names;
}

TEST(Mcp, ToolsOfAProgramAreCalled) {
  Ways ways;
  for (const char* mode : {"", "noisy", "pages"}) {
    McpTools tools = ways.program(mode);
    EXPECT_THAT(names_of(tools), ElementsAre("add", "echo_text", "fail")) << mode;
    EXPECT_EQ(tools.call("add", JsonObject{{"a", 2}, {"b", 3}}).text, "5") << mode;
    EXPECT_EQ(tools.call("echo_text", JsonObject{{"text", "two\nlines \xE2\x82\xAC"}}).text,
              "two\nlines \xE2\x82\xAC\n[image]");
    const McpResult failed = tools.call("fail", JsonObject{});
    EXPECT_TRUE(failed.is_error);
    EXPECT_EQ(failed.text, "It did not work.");
    EXPECT_EQ(tools.server_of("fail"), "test");
  }
  EXPECT_THAT(ways.started, ElementsAre("test", "test", "test"));
}

TEST(Mcp, ToolsOfOneNameGetTheirServersNames) {
  Ways ways;
  const McpTools tools =
      ways.connect({{.name = "one", .command = server_command()}, {.name = "two.x", .command = server_command()}});
  EXPECT_THAT(names_of(tools),
              ElementsAre("one_add", "one_echo_text", "one_fail", "two_x_add", "two_x_echo_text", "two_x_fail"));
}

TEST(Mcp, ServersThatBreakTheProtocolAreSaid) {
  Ways ways;
  const auto says = [](const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNetwork);
    return error.message();
  };
  EXPECT_THAT(says(system::failure([&] { ways.program("old"); })), HasSubstr("revision 1999-01-01"));
  EXPECT_THAT(says(system::failure([&] { ways.program("broken"); })), HasSubstr("does not speak JSON"));
  McpTools silent = ways.program("silent", std::chrono::milliseconds(100));
  EXPECT_THAT(says(system::failure([&] { silent.call("add", JsonObject{}); })),
              HasSubstr("gave no answer to tools/call in time"));
  McpTools dies = ways.program("dies");
  EXPECT_THAT(says(system::failure([&] { dies.call("add", JsonObject{}); })), HasSubstr("the program has ended"));
  McpTools endless = ways.program("long");
  EXPECT_THAT(says(system::failure([&] { endless.call("add", JsonObject{}); })), HasSubstr("longer than"));
  EXPECT_EQ(system::failure([&] { ways.connect({{.name = "x", .command = {"/no/such/program"}}}); }).code(),
            ErrorCode::kNotFound);
}

TEST(Mcp, ToolsBehindHttpAreCalledThroughTheDoor) {
  for (const bool is_stream : {false, true}) {
    Ways ways;
    const char* path = std::getenv("PATH");
    system::ChildProcess server({.command = server_command(is_stream ? std::vector<std::string>{"--http", "--sse"}
                                                                     : std::vector<std::string>{"--http"}),
                                 .environment = {str("PATH=", path == nullptr ? "" : path)}});
    std::string port;
    while (port.find('\n') == std::string::npos &&
           server.read(port, system::ChildProcess::Clock::now() + std::chrono::seconds(20))) {
    }
    port.resize(port.find('\n'));
    McpServer config{.name = "web", .url = str("http://127.0.0.1:", port, "/mcp")};
    EXPECT_THAT(system::failure([&] { ways.connect({config}); }).message(), HasSubstr("status 401"));
    config.headers = {{"Authorization", "Bearer secret"}};
    McpTools tools = ways.connect({config});
    EXPECT_THAT(names_of(tools), ElementsAre("add", "echo_text", "fail"));
    EXPECT_EQ(tools.call("add", JsonObject{{"a", 2}, {"b", 3}}).text, "5");
    EXPECT_TRUE(tools.call("fail", JsonObject{}).is_error);
    EXPECT_TRUE(ways.started.empty());
    size_t n_opened = 0;
    ways.book.read(0, [&](const ledger::Entry& entry) {
      EXPECT_EQ(entry.record.reason, ledger::Reason::kEscalate);
      n_opened += entry.record.opening_id == 0 ? 1 : 0;
      return true;
    });
    EXPECT_EQ(n_opened, 6U);  // one without the key, a greeting, its end, the list, two calls
  }
}

TEST(Mcp, ReadsConfigurationsAsOtherProgramsHaveThem) {
  const auto servers = read_mcp_servers(Json::parse(R"({"mcpServers": {
    "files": {"command": "npx", "args": ["-y", "server", "/tmp"], "env": {"KEY": "value"}},
    "web": {"type": "http", "url": "https://example.com/mcp", "headers": {"Authorization": "Bearer x"}}}})",
                                                    "config"));
  ASSERT_EQ(servers.size(), 2U);
  EXPECT_THAT(servers[0].command, ElementsAre("npx", "-y", "server", "/tmp"));
  EXPECT_THAT(servers[0].environment, ElementsAre("KEY=value"));
  EXPECT_EQ(servers[1].url, "https://example.com/mcp");
  ASSERT_EQ(servers[1].headers.size(), 1U);
  EXPECT_EQ(servers[1].headers[0].value, "Bearer x");
  for (const char* bad :
       {"{}", R"({"mcpServers": []})", R"({"mcpServers": {"a": {}}})",
        R"({"mcpServers": {"a": {"command": "x", "url": "y"}}})",
        R"({"mcpServers": {"a": {"command": "x", "secret": 1}}})", R"({"mcpServers": {"a": {"command": 1}}})"}) {
    EXPECT_EQ(system::failure([&] { read_mcp_servers(Json::parse(bad, "config")); }).code(),
              ErrorCode::kInvalidArgument)
        << bad;
  }
}

}  // namespace
}  // namespace kinglet::chat
