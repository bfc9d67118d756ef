// What of JSON Schema's own test suite grammars and the validator do right: a JSON line for each file of tests, which
// are the suite's keywords.   usage: schema_facts DRAFT_URI SUITE.jsonl
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/base.h"
#include "home/system/file.h"
#include "home/system/json.h"
#include "model/grammar/matcher.h"

namespace kinglet {
namespace {

using grammar::Grammar;
using system::Json;

struct Facts {
  size_t n_tests = 0;
  size_t n_checked = 0;         // what the validator judges right
  size_t n_enforced = 0;        // what a grammar takes or refuses rightly
  size_t n_valid_refused = 0;   // valid values that a grammar refuses
  size_t n_schema_refused = 0;  // tests of schemas that are refused by name
  size_t n_wrong = 0;           // invalid values that a grammar takes
};

// A grammar writes 1.0 as 1.
void write(const Json& value, std::string& text) {
  const bool is_float = value.is_number() && !value.is_integer();
  if (is_float && std::abs(value.as_number("value")) < 1e15 &&
      std::floor(value.as_number("value")) == value.as_number("value")) {
    text += str(static_cast<int64_t>(value.as_number("value")));
    return;
  }
  if (!value.is_array() && !value.is_object()) {
    text += value.dump();
    return;
  }
  const size_t first = text.size();
  text += value.is_array() ? '[' : '{';
  const auto separate = [&] {
    if (text.size() > first + 1) text += ',';
  };
  if (value.is_array()) {
    for (const Json& item : value.as_array("value")) {
      separate();
      write(item, text);
    }
  } else {
    for (const auto& [name, member] : value.as_object("value")) {
      separate();
      text += system::json_quoted(name);
      text += ':';
      write(member, text);
    }
  }
  text += value.is_array() ? ']' : '}';
}

int run(const std::string& draft, const std::string& suite) {
  std::vector<std::string> bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.emplace_back(1, static_cast<char>(byte));
  const auto trie = std::make_shared<const grammar::TokenTrie>(grammar::TokenBytes{bytes});
  std::map<std::string, Facts> facts;
  const std::string all = system::read_file(suite, size_t{1} << 28);
  for (size_t at = 0; at < all.size();) {
    const size_t line_end = std::min(all.find('\n', at), all.size());
    const Json row = Json::parse(std::string_view(all).substr(at, line_end - at), "suite");
    at = line_end + 1;
    const std::string& file = row.at("file").as_string("file");
    const grammar::SchemaOptions options{.checks_formats = file.starts_with("optional/format/")};
    Json schema = row.at("schema");
    if (schema.is_object() && schema.find("$schema") == nullptr) schema.set("$schema", draft);
    Facts& own = facts[file];
    std::optional<Grammar> compiled;
    try {
      compiled = Grammar::from_schema(schema, options);
    } catch (const Error&) {
      own.n_schema_refused += row.at("tests").as_array("tests").size();
    }
    for (const Json& test : row.at("tests").as_array("tests")) {
      const bool is_valid = test.at("valid").as_bool("valid");
      ++own.n_tests;
      try {
        if (!grammar::validate(schema, test.at("data"), options) == is_valid) ++own.n_checked;
      } catch (const Error&) {
        // Refused by name.
      }
      if (!compiled) continue;
      std::string text;
      write(test.at("data"), text);
      grammar::Matcher matcher(*compiled, trie);
      const bool takes = matcher.accept_bytes(text) && matcher.can_end();
      (takes == is_valid ? own.n_enforced : is_valid ? own.n_valid_refused : own.n_wrong) += 1;
    }
  }
  for (const auto& [file, own] : facts) {
    std::printf(R"({"file": "%s", "tests": %zu, "checked": %zu, "enforced": %zu, "valid refused": %zu, )"
                R"("schema refused": %zu, "wrong": %zu})"
                "\n",
                file.c_str(), own.n_tests, own.n_checked, own.n_enforced, own.n_valid_refused, own.n_schema_refused,
                own.n_wrong);
  }
  return 0;
}

}  // namespace
}  // namespace kinglet

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: schema_facts DRAFT_URI SUITE.jsonl\n", stderr), 2;
  try {
    return kinglet::run(argv[1], argv[2]);
  } catch (const kinglet::Error& error) {
    std::fprintf(stderr, "%s\n", error.message().c_str());
    return kinglet::exit_status(error.code());
  }
}
