#include "front/serve/fields.h"

#include <gtest/gtest.h>

namespace kinglet::serve {
namespace {

struct Part {
  int64_t size = 0;
  static const Fields<Part>& fields() {
    static const Fields<Part> kFields(field("size", &Part::size).required().range(1, 10));
    return kFields;
  }
};

struct Body {
  std::string name;
  bool flag = true;
  std::optional<double> share;
  std::vector<Part> parts;
  Texts texts;
  Json any;

  static const Fields<Body>& fields() {
    static const Fields<Body> kFields(field("name", &Body::name).required().choices({"a", "b"}).doc("What it is."),
                                      field("flag", &Body::flag), field("share", &Body::share).range(0, 1),
                                      field("parts", &Body::parts).count(1, 2), field("texts", &Body::texts),
                                      field("any", &Body::any), without_effect<Body>("user", "Who asks."),
                                      refused<Body>("sound", "there is none", {Json(false)}));
    return kFields;
  }
};

Body read(std::string_view text) { return Body::fields().read(Json::parse(text, "body")); }

TEST(Fields, BecomeMembers) {
  const Body body = read(R"({"name": "b", "flag": false, "share": 0.5, "parts": [{"size": 2}, {"size": 3.0}],
                             "texts": "one", "any": [1], "user": {"x": 1}, "sound": false})");
  EXPECT_EQ(body.name, "b");
  EXPECT_FALSE(body.flag);
  EXPECT_EQ(body.share, 0.5);
  ASSERT_EQ(body.parts.size(), 2U);
  EXPECT_EQ(body.parts[1].size, 3);
  EXPECT_EQ(body.texts.values, std::vector<std::string>{"one"});
  EXPECT_TRUE(body.any.is_array());
}

TEST(Fields, AreOptionalUnlessTheyAreRequired) {
  const Body body = read(R"({"name": "a", "flag": null, "share": null, "sound": null})");
  EXPECT_TRUE(body.flag);
  EXPECT_FALSE(body.share.has_value());
}

TEST(Fields, SayWhatIsWrongAndWhere) {
  struct Case {
    const char* body;
    const char* field;
    const char* message;
  };
  for (const Case& one : {
           Case{"{}", "name", "name: is missing"},
           Case{R"({"name": null})", "name", "name: is null, expected a string"},
           Case{R"({"name": 1})", "name", "name: is 1, expected a string"},
           Case{R"({"name": "c"})", "name", "name: is \"c\", expected one of a, b"},
           Case{R"({"name": "a", "flag": "yes"})", "flag", "flag: is \"yes\", expected true or false"},
           Case{R"({"name": "a", "share": 2})", "share", "share: is 2, allowed are 0 to 1"},
           Case{R"({"name": "a", "share": "0.5"})", "share", "share: is \"0.5\", expected a number"},
           Case{R"({"name": "a", "parts": []})", "parts", "parts: has 0 elements, allowed are 1 to 2"},
           Case{R"({"name": "a", "parts": {}})", "parts", "parts: is an object, expected an array"},
           Case{R"({"name": "a", "parts": [{"size": 0}]})", "parts[0].size",
                "parts[0].size: is 0, allowed are 1 to 10"},
           Case{R"({"name": "a", "parts": [{"size": 2}, {"size": 2.5}]})", "parts[1].size",
                "parts[1].size: is 2.5, expected a whole number"},
           Case{R"({"name": "a", "parts": [{}]})", "parts[0].size", "parts[0].size: is missing"},
           Case{R"({"name": "a", "parts": [{"size": 2, "sise": 2}]})", "parts[0].sise",
                "parts[0].sise: is no field of this request; did you mean size?"},
           Case{R"({"name": "a", "texts": [1]})", "texts[0]", "texts[0]: is 1, expected a string"},
           Case{R"({"name": "a", "other": 1})", "other", "other: is no field of this request"},
           Case{R"({"name": "a", "sound": true})", "sound", "sound: there is none"},
           Case{R"({"name": "a", "parts": [{"size": 18446744073709551615}]})", "parts[0].size",
                "parts[0].size: is 18446744073709551615, expected a whole number"},
           Case{"[1]", "body", "body: is an array, expected an object"},
       }) {
    try {
      read(one.body);
      ADD_FAILURE() << one.body;
    } catch (const ApiError& error) {
      EXPECT_EQ(error.status(), 400U);
      EXPECT_EQ(error.field(), one.field) << one.body;
      EXPECT_EQ(error.message(), one.message) << one.body;
    }
  }
}

TEST(Fields, DescribeThemselves) {
  const Json schema = Body::fields().schema();
  EXPECT_EQ(schema.at("required").dump(), R"(["name"])");
  EXPECT_FALSE(schema.at("additionalProperties").as_bool("x"));
  const Json& properties = schema.at("properties");
  EXPECT_EQ(properties.at("name").dump(), R"({"type":"string","enum":["a","b"],"description":"What it is."})");
  EXPECT_EQ(properties.at("share").dump(), R"({"type":"number","minimum":0,"maximum":1})");
  EXPECT_EQ(properties.at("parts").at("items").at("properties").at("size").dump(),
            R"({"type":"integer","minimum":1,"maximum":10})");
  EXPECT_EQ(properties.at("sound").at("description").as_string("x"), "Refused: there is none");
}

}  // namespace
}  // namespace kinglet::serve
