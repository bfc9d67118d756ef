#include "front/serve/http/authority.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "front/serve/http/server.h"

namespace kinglet::serve::http {
namespace {

TEST(Authority, ReadsHostsAndPorts) {
  EXPECT_EQ(parse_authority("LocalHost"), (Authority{"localhost", std::nullopt}));
  EXPECT_EQ(parse_authority("a.example:8080"), (Authority{"a.example", 8080}));
  EXPECT_EQ(parse_authority("[::1]:80"), (Authority{"[::1]", 80}));
  for (const std::string_view text : {"", ":80", "a:", "a:b", "a:65536", "a:-1", "a:80:80", "u@a", "a b", "a/b", "[::1",
                                      "[]", "[::g]", "[::1]80", "a\\b", "a,b", "caf\xc3\xa9", "a%41"}) {
    EXPECT_FALSE(parse_authority(text)) << text;
  }
}

TEST(Authority, TellsAddressesFromNames) {
  for (const std::string_view text : {"127.0.0.1", "10.0.0.5:80", "[::1]", "[fe80::1]:11434"}) {
    EXPECT_TRUE(parse_authority(text)->is_address()) << text;
  }
  for (const std::string_view text :
       {"127.evil.example", "127.0.0.1.evil.example", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4a"}) {
    EXPECT_FALSE(parse_authority(text)->is_address()) << text;
  }
}

TEST(HostRule, AllowsAddressesLocalNamesAndThoseOfItsList) {
  const HostRule rule({"models.example", ".lan.example"}, {"Workstation"});
  for (const std::string_view host :
       {"localhost", "app.localhost", "127.0.0.1", "192.168.1.5", "[::1]", "models.example", "MODELS.example:80",
        "models.example.", "lan.example", "a.b.lan.example", "workstation"}) {
    EXPECT_TRUE(rule.allows(*parse_authority(host))) << host;
  }
  for (const std::string_view host :
       {"evil.example", "xmodels.example", "models.example.evil.example", "localhost.evil.example", "xlan.example",
        "a.models.example", "127.0.0.1.nip.io"}) {
    EXPECT_FALSE(rule.allows(*parse_authority(host))) << host;
  }
  EXPECT_TRUE(HostRule({"*"}, {}).allows(*parse_authority("evil.example")));
  EXPECT_THROW(HostRule({"a.example:80"}, {}), Error);
}

TEST(OriginRule, AllowsItsOwnPagesAndThoseOfItsList) {
  const OriginRule rule({"https://app.example", "http://localhost:*", "app://*", "http://lan.example:8080"});
  const auto allows = [&](std::string_view origin) { return rule.allows(origin, false, "127.0.0.1:11434"); };
  for (const std::string_view origin :
       {"https://app.example", "https://app.example:443", "http://localhost", "http://localhost:3000",
        "app://obsidian.md", "http://lan.example:8080", "http://127.0.0.1:11434"}) {
    EXPECT_TRUE(allows(origin)) << origin;
  }
  for (const std::string_view origin :
       {"null", "", "http://app.example", "https://app.example:8443", "https://app.example.evil.example",
        "https://xapp.example", "http://localhost.evil.example", "http://localhost:3000.evil.example",
        "http://localhost:*", "app2://x", "http://127.0.0.1:3000", "https://127.0.0.1:11434", "http://lan.example",
        "https://u@app.example", "https://app.example/"}) {
    EXPECT_FALSE(allows(origin)) << origin;
  }
  const OriginRule usual(ServerOptions().origins);
  for (const std::string_view origin :
       {"file://", "app://obsidian.md", "vscode-webview://1a2b", "http://[::1]:3000", "tauri://localhost"}) {
    EXPECT_TRUE(usual.allows(origin, false, "localhost:11434")) << origin;
  }
  for (const std::string_view origin :
       {"null", "https://evil.example", "http://192.168.1.5", "file", "chrome-extension://a"}) {
    EXPECT_FALSE(usual.allows(origin, false, "localhost:11434")) << origin;
  }
  EXPECT_TRUE(OriginRule({"*"}).allows("null", false, ""));
  EXPECT_TRUE(OriginRule({}).allows("https://a.example", true, "a.example"));
}

}  // namespace
}  // namespace kinglet::serve::http
