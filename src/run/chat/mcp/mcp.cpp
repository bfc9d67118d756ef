#include "run/chat/mcp/mcp.h"

#include <algorithm>
#include <array>

#include "core/base/base.h"

namespace kinglet::chat {
namespace {

using system::Json;
using system::JsonArray;
using system::JsonObject;

constexpr std::string_view kOurs = "2025-06-18";
constexpr std::array<std::string_view, 4> kKnown = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"};
constexpr size_t kMaxPages = 100;

std::string plain_name(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    plain += is_plain ? c : '_';
  }
  return plain;
}

// What a server sends is read so: where it is not as the protocol says, the server is at fault.
template <class Read>
auto from_server(const std::string& what, const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidArgument) throw;
    fail_with(ErrorCode::kNetwork, what, ": ", error.message());
  }
}

// What the content of a result says in words. Pictures and sounds cannot be shown to a model that reads.
std::string words_of(const Json& result) {
  std::string text;
  if (const Json* content = result.find("content")) {
    for (const Json& part : content->as_array("content")) {
      const std::string& type = part.at("type").as_string("content: type");
      if (!text.empty()) text += '\n';
      if (type == "text") {
        text += part.at("text").as_string("content: text");
      } else if (const Json* resource = part.find("resource");
                 resource != nullptr && resource->find("text") != nullptr) {
        text += resource->at("text").as_string("resource: text");
      } else {
        text += str('[', type, ']');
      }
    }
  }
  const Json* structured = result.find("structuredContent");
  return text.empty() && structured != nullptr ? structured->dump() : text;
}

}  // namespace

std::vector<McpServer> read_mcp_servers(const Json& config) {
  std::vector<McpServer> servers;
  for (const auto& [name, entry] : config.at("mcpServers").as_object("mcpServers")) {
    const std::string where = "mcpServers." + name;
    McpServer& server = servers.emplace_back();
    server.name = name;
    for (const auto& [key, value] : entry.as_object(where)) {
      const std::string what = where + "." + key;
      if (key == "command") {
        server.command.insert(server.command.begin(), value.as_string(what));
      } else if (key == "args") {
        for (const Json& word : value.as_array(what)) server.command.push_back(word.as_string(what));
      } else if (key == "env") {
        for (const auto& [variable, text] : value.as_object(what))
          server.environment.push_back(str(variable, '=', text.as_string(what)));
      } else if (key == "url") {
        server.url = value.as_string(what);
      } else if (key == "headers") {
        for (const auto& [header, text] : value.as_object(what))
          server.headers.push_back({header, text.as_string(what)});
      } else if (key != "type") {  // which of both it is shows from the rest
        fail_with(ErrorCode::kInvalidArgument, what, ": is not known; there are command, args, env, url, headers");
      }
    }
    const bool has_command = entry.find("command") != nullptr;
    if (has_command == !server.url.empty())
      fail_with(ErrorCode::kInvalidArgument, where, ": needs a command or a url, not both");
  }
  return servers;
}

McpTools::McpTools(const std::vector<McpServer>& servers, const McpOptions& options, egress::Door& door,
                   const std::function<void(const McpServer&)>& on_start)
    : call_timeout_(options.call_timeout) {
  for (const McpServer& server : servers) {
    if (!server.command.empty()) on_start(server);
    connect(server, options, door);
    list_tools(connections_.size() - 1, options);
  }
  name_tools();
}

McpTools::~McpTools() = default;

void McpTools::connect(const McpServer& server, const McpOptions& options, egress::Door& door) {
  const std::string what = "MCP server " + server.name;
  Connection& connection = connections_.emplace_back(Connection{server.name, nullptr});
  if (server.command.empty()) {
    connection.transport = reach_mcp_server(what, server.url, server.headers, door);
  } else {
    std::vector<std::string> environment = options.environment;
    environment.insert(environment.end(), server.environment.begin(), server.environment.end());
    connection.transport = start_mcp_program(what, server.command, environment);
  }
  const auto deadline = McpTransport::Clock::now() + options.connect_timeout;
  const Json greeting = JsonObject{{"protocolVersion", std::string(kOurs)},
                                   {"capabilities", JsonObject{}},
                                   {"clientInfo", JsonObject{{"name", "kinglet"}, {"version", "1"}}}};
  const Json answer = connection.transport->request("initialize", greeting, deadline);
  const auto version = from_server(what, [&] { return answer.at("protocolVersion").as_string("protocolVersion"); });
  if (std::ranges::find(kKnown, version) == kKnown.end())
    fail_with(ErrorCode::kNetwork, what, ": speaks revision ", version, " of the protocol, which is not known");
  connection.transport->set_protocol(version);
  connection.transport->notify("notifications/initialized", deadline);
}

void McpTools::list_tools(size_t connection, const McpOptions& options) {
  const auto deadline = McpTransport::Clock::now() + options.connect_timeout;
  const std::string what = "MCP server " + connections_[connection].name;
  Json parameters = JsonObject{};
  size_t n = 0;
  for (size_t page = 0; page < kMaxPages; ++page) {
    const Json answer = connections_[connection].transport->request("tools/list", parameters, deadline);
    from_server(what, [&] {
      for (const Json& tool : answer.at("tools").as_array("tools")) {
        const Json* description = tool.find("description");
        const Json* schema = tool.find("inputSchema");
        tools_.push_back({{},
                          tool.at("name").as_string("tools: name"),
                          connection,
                          description == nullptr ? Json("") : *description,
                          schema == nullptr ? Json(JsonObject{{"type", "object"}}) : *schema});
        if (++n > kMaxTools) fail_with(ErrorCode::kNetwork, what, ": has more than ", kMaxTools, " tools");
      }
    });
    const Json* cursor = answer.find("nextCursor");
    if (cursor == nullptr || cursor->is_null()) return;
    parameters.set("cursor", *cursor);
  }
  fail_with(ErrorCode::kNetwork, what, ": its list of tools does not end");
}

void McpTools::name_tools() {
  for (Tool& tool : tools_) tool.name = plain_name(tool.their);
  std::vector<std::string> names;
  for (const Tool& tool : tools_) names.push_back(tool.name);
  for (Tool& tool : tools_) {
    if (std::ranges::count(names, tool.name) > 1)
      tool.name = plain_name(str(connections_[tool.connection].name, '_', tool.name));
  }
  for (const Tool& tool : tools_) {
    if (find(tool.name) != &tool) fail_with(ErrorCode::kInvalidArgument, "MCP: two tools have the name ", tool.name);
  }
}

Json McpTools::tools() const {
  Json result = JsonArray{};
  for (const Tool& tool : tools_) {
    result.push(JsonObject{
        {"type", "function"},
        {"function",
         JsonObject{{"name", tool.name}, {"description", tool.description}, {"parameters", tool.parameters}}}});
  }
  return result;
}

const McpTools::Tool* McpTools::find(std::string_view name) const noexcept {
  const auto it = std::ranges::find(tools_, name, &Tool::name);
  return it == tools_.end() ? nullptr : &*it;
}

bool McpTools::has(std::string_view name) const noexcept { return find(name) != nullptr; }

const std::string& McpTools::server_of(std::string_view name) const {
  const Tool* tool = find(name);
  if (tool == nullptr) fail_with(ErrorCode::kInvalidArgument, "MCP: there is no tool ", name);
  return connections_[tool->connection].name;
}

McpResult McpTools::call(std::string_view name, const Json& arguments) {
  const Tool* tool = find(name);
  if (tool == nullptr) fail_with(ErrorCode::kInvalidArgument, "MCP: there is no tool ", name);
  const Json parameters = JsonObject{{"name", tool->their}, {"arguments", arguments}};
  const Connection& connection = connections_[tool->connection];
  const Json result =
      connection.transport->request("tools/call", parameters, McpTransport::Clock::now() + call_timeout_);
  const Json* is_error = result.find("isError");
  const auto words = from_server("MCP server " + connection.name, [&] { return words_of(result); });
  return {words, is_error != nullptr && is_error->is_bool() && is_error->as_bool("isError")};
}

}  // namespace kinglet::chat
