#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/base.h"
#include "model/grammar/sample_vocabulary.h"

namespace kinglet::grammar {
namespace {

using system::Json;

const SampleVocabulary& vocabulary() {
  static const SampleVocabulary v = sample_vocabulary({"{\"a\": 1, \"b\": [true, null]}"}, 40);
  return v;
}

Json json(std::string_view text) { return Json::parse(text, "test"); }

struct Example {
  std::string_view schema;
  std::vector<std::string> taken;
  std::vector<std::string> refused;
};

// The rules of the specification, written out by hand: the grammar and the validator must both follow them.
TEST(Schema, TakesWhatTheSpecificationTakes) {
  const std::vector<Example> examples = {
      {R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a"],
           "additionalProperties":false})",
       {R"({"a": 1})", R"({"a": -20, "b": "x"})", "{\n  \"a\": 0\n}"},
       {"{}", R"({"b": "x"})", R"({"a": 1.5})", R"({"a": 1, "c": 2})", "[]", R"({"a": 01})"}},
      {R"({"properties":{"a":{"type":"null"}}})",
       {"{}", R"({"a": null})", R"({"b": 1})", R"({"aa": 1, "": []})", "17", R"("x")"},
       {R"({"a": 1})"}},
      {R"({"type":"array","items":{"enum":["x",2,null]},"minItems":1,"maxItems":3})",
       {"[\"x\"]", "[2, null, 2]"},
       {"[]", "[3]", "[2, 2, 2, 2]", "\"x\""}},
      {R"({"prefixItems":[{"type":"string"},{"type":"number"}],"items":false,"type":"array"})",
       {"[]", "[\"a\"]", "[\"a\", 1.5]"},
       {"[1]", "[\"a\", 1, 2]"}},
      {R"({"contains":{"const":1},"type":"array","maxContains":2,"items":{"type":"integer"}})",
       {"[1]", "[0, 1, 1, 2]", "[1, 0]"},
       {"[]", "[0]", "[1, 1, 1]", "[1, \"a\"]"}},
      {R"({"anyOf":[{"type":"string","maxLength":2},{"type":"integer","minimum":5}]})",
       {"\"ab\"", "\"\"", "5", "123"},
       {"\"abc\"", "4", "-5", "5.5", "null"}},
      {R"({"oneOf":[{"type":"integer","multipleOf":3},{"type":"integer","multipleOf":5}]})",
       {"3", "5", "-9", "10"},
       {"15", "0", "1", "\"a\""}},
      {R"({"oneOf":[{"properties":{"k":{"const":"a"},"v":{"type":"integer"}},"required":["k","v"]},
                    {"properties":{"k":{"const":"b"},"v":{"type":"string"}},"required":["k","v"]}],"type":"object"})",
       {R"({"k": "a", "v": 1})", R"({"k": "b", "v": "1"})"},
       {R"({"k": "a", "v": "1"})", R"({"k": "c", "v": 1})", R"({"k": "a"})"}},
      {R"({"not":{"type":"object","required":["a"]}})", {"1", "{}", R"({"b": 1})"}, {R"({"a": 1})"}},
      {R"({"not":{"enum":[1,"a",null,true]}})", {"2", "\"b\"", "false", "[]"}, {"1", "\"a\"", "null", "true"}},
      {R"({"type":"string","not":{"pattern":"^a"}})", {"\"b\"", "\"\"", "\"ba\""}, {"\"a\"", "\"ab\""}},
      {R"({"type":"object","not":{"additionalProperties":{"type":"integer"}}})",
       {R"({"x": "a"})", R"({"x": 1, "y": null})"},
       {"{}", R"({"x": 1})"}},
      {R"({"allOf":[{"properties":{"a":{"minimum":2}}},{"properties":{"a":{"maximum":4,"type":"integer"}}}],
           "required":["a"],"type":"object"})",
       {R"({"a": 2})", R"({"a": 4, "b": 1})"},
       {R"({"a": 1})", R"({"a": 5})", R"({"a": "x"})", "{}"}},
      {R"({"if":{"properties":{"t":{"const":1}},"required":["t"]},"then":{"required":["x"]},"else":{"required":["y"]},
           "properties":{"t":true,"x":{"type":"null"},"y":{"type":"null"}},"type":"object"})",
       {R"({"t": 1, "x": null})", R"({"t": 2, "y": null})", R"({"y": null})"},
       {R"({"t": 1})", R"({"t": 1, "y": null})", R"({"x": null})", "{}"}},
      {R"({"dependentRequired":{"a":["b"]},"properties":{"a":true,"b":true},"type":"object"})",
       {"{}", R"({"b": 1})", R"({"a": 1, "b": 2})"},
       {R"({"a": 1})", R"({"a": 1, "c": 2})"}},
      {R"({"patternProperties":{"^s_":{"type":"string"},"_n$":{"maxLength":1}},"additionalProperties":{"type":"null"}})",
       {R"({"s_": "abc"})", R"({"s_n": "a"})", R"({"x": null})", R"({"x_n": 12})"},
       {R"({"s_a": 1})", R"({"s_n": "ab"})", R"({"x": 1})", R"({"x_n": "ab"})"}},
      {R"({"type":"object","propertyNames":{"pattern":"^[a-z]{2}$"},"minProperties":1,"maxProperties":2})",
       {R"({"ab": 1})", R"({"ab": 1, "cd": 2})"},
       {"{}", R"({"a": 1})", R"({"ab": 1, "cd": 1, "ef": 1})"}},
      {R"({"$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#/$defs/n"}},
           "required":["v"],"additionalProperties":false}},"$ref":"#/$defs/n"})",
       {R"({"v": 1})", R"({"v": 1, "next": {"v": 2, "next": {"v": 3}}})"},
       {R"({"next": {"v": 1}})", R"({"v": 1, "next": {}})"}},
      {R"({"type":"number","minimum":-1.5,"exclusiveMaximum":10})",
       {"-1.5", "0", "9.99", "-1.50", "-0.25"},
       {"-1.51", "10", "10.0", "-2", "11"}},
      {R"({"type":"string","minLength":2,"maxLength":3})",
       {"\"ab\"", "\"\xC3\xA9\xE2\x82\xAC\"", "\"a\\nb\"", "\"\\u00e9\\ud83d\\ude00\""},
       {"\"a\"", "\"abcd\"", "\"\\u00e9\""}},
      {R"({"format":"date","type":"string"})",
       {"\"2024-02-29\"", "\"1999-12-31\""},
       {"\"2023-02-29\"", "\"2024-13-01\"", "\"24-01-01\"", "\"2024-04-31\""}},
      {R"({"type":"array","uniqueItems":true,"items":{"enum":["a","b","c"]}})",
       {"[]", "[\"c\", \"a\"]"},
       {"[\"a\", \"a\"]", "[\"a\", \"b\", \"a\"]"}},
      {R"({"const":{"a":[1,{"b":"c"}]}})", {R"({"a": [1, {"b": "c"}]})"}, {R"({"a": [1]})", "{}"}},
      {R"({"unevaluatedProperties":false,"properties":{"a":true},"allOf":[{"properties":{"b":{"type":"integer"}}}],
           "type":"object"})",
       {R"({"a": 1, "b": 2})", R"({"b": 2})", "{}"},
       {R"({"c": 1})", R"({"b": "x"})"}},
      {R"({"$schema":"http://json-schema.org/draft-04/schema#","type":"integer","minimum":3,"exclusiveMinimum":true})",
       {"4"},
       {"3", "2"}},
      {R"({"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"s":{"type":"string"}},
           "items":[{"$ref":"#/definitions/s"},true],"additionalItems":{"type":"null"},"type":"array"})",
       {"[\"a\", 1, null]"},
       {"[1]", "[\"a\", 1, 2]"}},
      {"true", {"1", "{}", "[[], {\"a\": \"b\"}]"}, {"", "{"}},
  };
  for (const Example& example : examples) {
    const Json schema = json(example.schema);
    const Grammar grammar = Grammar::from_schema(schema);
    for (const std::string& text : example.taken) {
      EXPECT_TRUE(matches(grammar, vocabulary(), text)) << example.schema << "\n" << text;
      EXPECT_EQ(validate(schema, json(text)), std::nullopt) << example.schema << "\n" << text;
    }
    for (const std::string& text : example.refused) {
      EXPECT_FALSE(matches(grammar, vocabulary(), text)) << example.schema << "\n" << text;
      try {
        EXPECT_NE(validate(schema, json(text)), std::nullopt) << example.schema << "\n" << text;
      } catch (const Error& error) {
        EXPECT_THAT(error.message(), testing::StartsWith("test: ")) << "no JSON is refused by its reader";
      }
    }
    // What is drawn at random satisfies the schema, whatever way is taken.
    for (uint64_t seed = 0; seed < (KINGLET_SANITIZED ? 3 : 20); ++seed) {
      const std::string text = drawn(grammar, vocabulary(), seed, 400);
      if (text.empty()) continue;
      EXPECT_EQ(validate(schema, json(text)), std::nullopt) << example.schema << "\n" << text;
    }
  }
}

TEST(Schema, MembersComeInTheOrderOfTheSchema) {
  const Grammar grammar = Grammar::from_schema(
      json(R"({"properties":{"why":{"type":"string"},"answer":{"type":"integer"}},"required":["answer","why"]})"));
  EXPECT_TRUE(matches(grammar, vocabulary(), R"({"why": "x", "answer": 1, "more": 2})"));
  EXPECT_FALSE(matches(grammar, vocabulary(), R"({"answer": 1, "why": "x"})"));
}

TEST(Schema, NamesThatAreDeclaredHaveOneSpelling) {
  const Grammar grammar = Grammar::from_schema(json(R"({"properties":{"na":{"type":"integer"}},"type":"object"})"));
  EXPECT_FALSE(matches(grammar, vocabulary(), R"({"\u006ea": "no integer"})"));
  EXPECT_TRUE(matches(grammar, vocabulary(), R"({"nb": "no integer"})"));
}

TEST(Schema, WhatCannotBeEnforcedIsRefusedByNameOrLeftToCheck) {
  struct Case {
    std::string_view schema;
    std::string_view pointer;
  };
  const std::vector<Case> cases = {
      {R"({"properties":{"a":{"type":"array","uniqueItems":true}}})", "#/properties/a/uniqueItems"},
      {R"({"not":{"const":[1]}})", "#/not/const"},
      {R"({"not":{"uniqueItems":true}})", "#/not/uniqueItems"},
      {R"({"items":{"type":"object","properties":{"a":true},"minProperties":2}})", "#/items/minProperties"},
      {R"({"$dynamicRef":"#a"})", "#/$dynamicRef"},
  };
  for (const Case& c : cases) {
    try {
      (void)Grammar::from_schema(json(c.schema));
      ADD_FAILURE() << c.schema;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << c.schema;
      EXPECT_THAT(error.message(), testing::HasSubstr(str(c.pointer, ":")));
    }
    std::vector<std::string> to_check;
    (void)Grammar::from_schema(json(c.schema), {}, &to_check);
    EXPECT_THAT(to_check, testing::ElementsAre(c.pointer));
  }
  EXPECT_THAT(*validate(json(R"({"properties":{"a":{"uniqueItems":true}}})"), json(R"({"a":[1,1.0]})")),
              "/a: #/properties/a/uniqueItems");
}

TEST(Schema, CatastrophicSchemasEndAtALimit) {
  std::string deep = "true";
  for (int i = 0; i < 220; ++i) deep = str(R"({"allOf":[)", deep, "]}");
  std::string many = R"({"allOf":[)";
  for (int i = 0; i < 40; ++i) {
    many += str(i == 0 ? "" : ",", R"({"anyOf":[{"required":["a)", i, R"("]},{"required":["b)", i, R"("]}]})");
  }
  struct Case {
    std::string schema;
    std::string_view message;
  };
  const std::vector<Case> cases = {
      {deep, "limit of nesting"},
      {many + "]}", "limit of alternatives"},
      {R"({"$ref":"#"})", "refers to itself"},
      {R"({"allOf":[{"$ref":"#"}]})", "refers to itself"},
      {R"({"pattern":"((a{100}){100}){100}"})", "limit"},
      {R"({"type":"integer","multipleOf":1000003})", "limit"},
      {R"({"type":"array","items":{"type":"null"},"minItems":2000000})", "limit"},
      {R"({"type":"string","minLength":4000000000})", "limit"},
      {R"({"enum":[]})", "no value satisfies it"},
      {R"({"properties":{"a":{"$ref":"#"}},"required":["a"],"type":"object"})", "no value satisfies it"},
      {R"({"type":"integer","minimum":3,"maximum":2})", "no value satisfies it"},
      {R"({"type":"strin"})", "strin is no type"},
      {R"([1])", "expected an object or a boolean"},
      {R"({"properties":{"a":3}})", "expected an object or a boolean"},
      {R"({"$ref":"#/$defs/none"})", "#/$defs/none is not in this document"},
      {R"({"$ref":"https://example.com/s"})", "is not in this document"},
      {R"({"pattern":"("})", ") is expected"},
  };
  for (const Case& c : cases) {
    try {
      (void)Grammar::from_schema(json(c.schema));
      ADD_FAILURE() << c.schema.substr(0, 200);
    } catch (const Error& error) {
      EXPECT_THAT(error.message(), testing::HasSubstr(c.message));
    }
  }
}

}  // namespace
}  // namespace kinglet::grammar
