// JSON Schema's own test suite and the schemas of MaskBench, both of the data kit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "../text/kit_files.h"
#include "core/base/base.h"
#include "model/grammar/sample_vocabulary.h"

namespace kinglet::grammar {
namespace {

using system::Json;

const SampleVocabulary& vocabulary() {
  static const SampleVocabulary v =
      sample_vocabulary({R"({"a": 1, "bar": [true, null], "foo": "x"}, "type": -2.5)"}, 60);
  return v;
}

std::vector<Json> rows_of(const std::string& name) {
  std::vector<Json> rows;
  const std::string path = tests::kit() + "/json-schema/" + name;
  for (const std::string& line : tests::split(tests::unpacked(path), "\n")) {
    if (!line.empty()) rows.push_back(Json::parse(line, name));
  }
  return rows;
}

// 1.0 is the number 1, which a grammar writes without a fraction.
Json plain(const Json& value) {
  if (value.is_array()) {
    Json list{system::JsonArray()};
    for (const Json& item : value.as_array("value")) list.push(plain(item));
    return list;
  }
  if (value.is_object()) {
    Json object{system::JsonObject()};
    for (const auto& [name, member] : value.as_object("value")) object.set(name, plain(member));
    return object;
  }
  const bool is_whole = value.is_number() && !value.is_integer() && std::abs(value.as_number("value")) < 1e15 &&
                        std::floor(value.as_number("value")) == value.as_number("value");
  return is_whole ? Json(static_cast<int64_t>(value.as_number("value"))) : value;
}

struct Counts {
  size_t n_tests = 0;
  size_t n_checked = 0;   // by the validator
  size_t n_enforced = 0;  // by a grammar, right in both directions
  size_t n_refused_valid = 0;
};

// Formats that are not known say nothing, and metaschemas of other drafts or with a vocabulary of their own are not
// read.
bool is_beyond(const std::string& file) {
  const std::set<std::string, std::less<>> files = {"vocabulary.json",
                                                    "optional/content.json",
                                                    "optional/format-assertion.json",
                                                    "optional/cross-draft.json",
                                                    "optional/format/idn-hostname.json",
                                                    "optional/format/idn-email.json",
                                                    "optional/format/iri.json",
                                                    "optional/format/iri-reference.json",
                                                    "optional/format/regex.json",
                                                    "optional/format/ecmascript-regex.json"};
  return files.contains(file);
}

class TestSuite : public testing::TestWithParam<std::pair<std::string, std::string>> {};

// The validator must be right on all that it does not refuse to check; a grammar may refuse a valid value (members in
// another order), but must never take one that is not.
TEST_P(TestSuite, ValidatorAndGrammarsFollowIt) {
  if (tests::kit().empty()) GTEST_SKIP() << "no data kit: 1 suite";
  const auto& [file, draft] = GetParam();
  Counts counts;
  for (const Json& row : rows_of(file)) {
    const std::string& kind = row.at("file").as_string("file");
    if (is_beyond(kind)) continue;
    const SchemaOptions options{.checks_formats = kind.starts_with("optional/format/")};
    Json schema = row.at("schema");
    if (schema.is_object() && schema.find("$schema") == nullptr) schema.set("$schema", draft);
    std::optional<Grammar> grammar;
    try {
      grammar = Grammar::from_schema(schema, options);
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::kInternal) << error.message();
    }
    for (const Json& test : row.at("tests").as_array("tests")) {
      const std::string where = str(row.at("description").as_string("d"), ": ", test.at("description").as_string("d"));
      const bool is_valid = test.at("valid").as_bool("valid");
      const Json& data = test.at("data");
      ++counts.n_tests;
      try {
        const auto failure = validate(schema, data, options);
        ++counts.n_checked;
        // Some valid names and leap seconds are refused (formats.cpp says which): narrower, never wider.
        if (options.checks_formats && is_valid && failure) continue;
        EXPECT_EQ(!failure, is_valid) << where << "\n"
                                      << schema.dump() << "\n"
                                      << data.dump() << "\n"
                                      << failure.value_or("");
      } catch (const Error& error) {
        EXPECT_NE(error.code(), ErrorCode::kInternal) << error.message();
      }
      if (!grammar) continue;
      const bool takes = matches(*grammar, vocabulary(), plain(data).dump());
      EXPECT_FALSE(takes && !is_valid) << where << "\n" << schema.dump() << "\n" << data.dump();
      if (takes == is_valid) ++counts.n_enforced;
      if (!takes && is_valid) ++counts.n_refused_valid;
    }
  }
  std::printf("%s: %zu tests, %zu checked, %zu enforced, %zu valid ones refused\n", file.c_str(), counts.n_tests,
              counts.n_checked, counts.n_enforced, counts.n_refused_valid);
  EXPECT_GE(counts.n_checked * 100, counts.n_tests * 93);
  EXPECT_GE(counts.n_enforced * 100, counts.n_tests * 75);
}

INSTANTIATE_TEST_SUITE_P(
    Drafts, TestSuite,
    testing::Values(std::pair("test-suite-draft2020-12.jsonl.gz", "https://json-schema.org/draft/2020-12/schema"),
                    std::pair("test-suite-draft7.jsonl.gz", "http://json-schema.org/draft-07/schema#")));

// Every schema that is not refused: no value that is not valid is taken, what is drawn at random is valid, and of all
// schemas enough take each valid value and no other.
TEST(MaskBench, SchemasTakeValidValuesAlone) {
  if (tests::kit().empty()) GTEST_SKIP() << "no data kit: 827 schemas";
  size_t n = 0;
  size_t n_passing = 0;
  size_t n_drawn = 0;
  const std::vector<Json> rows = rows_of("maskbench.jsonl.gz");
  for (size_t i = 0; i < rows.size(); i += KINGLET_SANITIZED ? 24 : 4) {
    const Json& row = rows[i];
    const Json& schema = row.at("schema");
    ++n;
    std::optional<Grammar> grammar;
    try {
      grammar = Grammar::from_schema(schema);
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::kInternal) << error.message();
      continue;
    }
    bool passes = true;
    for (const Json& test : row.at("tests").as_array("tests")) {
      const bool is_valid = test.at("valid").as_bool("valid");
      const std::string text = plain(test.at("data")).dump();
      const bool takes = matches(*grammar, vocabulary(), text);
      EXPECT_FALSE(takes && !is_valid) << row.at("file").as_string("file") << "\n" << text;
      passes = passes && takes == is_valid;
    }
    if (passes) ++n_passing;
    const std::string text = drawn(*grammar, vocabulary(), i, 300);
    if (text.empty()) continue;
    ++n_drawn;
    try {
      EXPECT_EQ(validate(schema, Json::parse(text, "drawn")), std::nullopt) << row.at("file").as_string("file") << "\n"
                                                                            << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << error.message() << "\n" << text;
    }
  }
  std::printf("MaskBench: %zu schemas, %zu pass, %zu texts drawn\n", n, n_passing, n_drawn);
  // Under sanitizers these are too few for a share to mean something.
  if (!KINGLET_SANITIZED) {
    EXPECT_GE(n_passing * 100, n * 92);
  }
}

}  // namespace
}  // namespace kinglet::grammar
