#include "front/serve/api.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>

namespace kinglet::serve {
namespace {

struct Body {
  std::string name;
  static const Fields<Body>& fields() {
    static const Fields<Body> kFields(field("name", &Body::name).required());
    return kFields;
  }
};

std::vector<Endpoint> some_endpoints() {
  const auto echo = [](const Body& body, RequestContext& context) {
    if (body.name == "full") fail(ErrorCode::kContextFull, "prompt: has 9 tokens, the context 8");
    if (body.name == "gone") fail(ErrorCode::kNotFound, "no such model");
    if (body.name == "defect") throw std::runtime_error("what nobody should read");
    return json_response(JsonObject{{"name", body.name}, {"client", context.client}});
  };
  const auto value = [](RequestContext& context) {
    return json_response(JsonObject{{"model", context.path_values.at("model")}});
  };
  return {json_endpoint<Body>("POST", "/api/echo", Dialect::kOllama, "", echo),
          json_endpoint<Body>("POST", "/v1/echo", Dialect::kOpenAi, "", echo),
          json_endpoint<Body>("POST", "/v1/messages", Dialect::kAnthropic, "", echo),
          plain_endpoint("GET", "/v1/models/{model...}", Dialect::kOpenAi, "", value)};
}

class ApiTest : public ::testing::Test {
 protected:
  http::Response ask(const std::string& method, const std::string& path, const std::string& body = "",
                     const std::string& type = "application/json") {
    http::Request request;
    request.method = method;
    request.path = path;
    request.peer = "127.0.0.1:4711";
    if (!type.empty()) request.headers.add("Content-Type", type);
    http::BodyRule rule = api_.body_rule(request);
    if (rule.refusal) return std::move(*rule.refusal);
    request.body = body;
    return api_.handle(std::move(request), http::CancelSource().token());
  }

  // Nothing here asks for a model or the store, so there are none; zeros say that there are no keys and no log, too.
  alignas(Services) std::array<std::byte, sizeof(Services)> zeros_ = {};
  Api api_{reinterpret_cast<Services&>(zeros_), some_endpoints(), {}};
};

TEST_F(ApiTest, FindsEndpointsByMethodAndPath) {
  EXPECT_EQ(ask("POST", "/api/echo", R"({"name": "x"})").body, R"({"name":"x","client":"127.0.0.1"})");
  EXPECT_EQ(ask("GET", "/v1/models/hf.co/me/mine:latest").body, R"({"model":"hf.co/me/mine:latest"})");
  EXPECT_EQ(ask("HEAD", "/v1/models/a").status, 200U);
  EXPECT_EQ(ask("GET", "/v1/models/").status, 404U);
  EXPECT_EQ(ask("GET", "/nothing").status, 404U);
  const http::Response wrong = ask("GET", "/api/echo");
  EXPECT_EQ(wrong.status, 405U);
  EXPECT_EQ(wrong.headers.back().second, "POST");
}

TEST_F(ApiTest, AnswersErrorsInTheWordsOfTheDialect) {
  EXPECT_EQ(ask("POST", "/api/echo", R"({"name": 1})").body, R"({"error":"name: is 1, expected a string"})");
  EXPECT_EQ(
      ask("POST", "/v1/echo", R"({"name": 1})").body,
      R"({"error":{"message":"name: is 1, expected a string","type":"invalid_request_error","param":"name","code":null}})");
  EXPECT_EQ(ask("POST", "/v1/messages", R"({"name": 1})").body,
            R"({"type":"error","error":{"type":"invalid_request_error","message":"name: is 1, expected a string"}})");
  EXPECT_EQ(ask("POST", "/v1/echo", R"({"name": "full"})").status, 400U);
  EXPECT_EQ(ask("POST", "/v1/echo", R"({"name": "gone"})").status, 404U);
}

TEST_F(ApiTest, ADefectSaysNothingOfItself) {
  const http::Response response = ask("POST", "/v1/echo", R"({"name": "defect"})");
  EXPECT_EQ(response.status, 500U);
  EXPECT_EQ(response.body.find("nobody"), std::string::npos);
}

TEST_F(ApiTest, BodiesThatAreNoneAreRefused) {
  for (const char* body : {"", "  ", "{", "{\"name\": \"\xFF\"}", "{\"name\": \"a\"} x", "[1, 2"}) {
    EXPECT_EQ(ask("POST", "/api/echo", body).status, 400U) << body;
    EXPECT_EQ(ask("POST", "/v1/echo", body).status, 400U) << body;
  }
  EXPECT_EQ(ask("POST", "/v1/echo", std::string(1000, '[')).status, 400U);
  EXPECT_EQ(ask("POST", "/v1/echo", "{}", "text/plain").status, 415U);
  EXPECT_EQ(ask("POST", "/api/echo", R"({"name": "x"})", "").status, 200U);
}

}  // namespace
}  // namespace kinglet::serve
