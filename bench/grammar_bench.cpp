// How many schemas of MaskBench are enforced, and what a mask costs: each valid instance is read token by token, the
// mask before each. Times are those of the processor. Prints a JSON line.   usage: grammar_bench VOCABULARY.gguf
// MASKBENCH.jsonl [FAILURES.jsonl]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "home/system/file.h"
#include "home/system/json.h"
#include "model/format/open_model.h"
#include "model/grammar/matcher.h"
#include "run/chat/vocabulary.h"

namespace kinglet {
namespace {

using grammar::Grammar;
using grammar::Matcher;
using system::Json;

// Of this processor's time: other programs do not count.
double now_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

// As most programs write JSON: a blank behind commas and colons, whole numbers without a fraction.
void write(const Json& value, std::string& text) {
  const auto add_all = [&](const auto& list, char open, char close, const auto& add) {
    text += open;
    bool is_first = true;
    for (const auto& entry : list) {
      if (!is_first) text += ", ";
      is_first = false;
      add(entry);
    }
    text += close;
  };
  if (value.is_array()) {
    add_all(value.as_array("value"), '[', ']', [&](const Json& item) { write(item, text); });
  } else if (value.is_object()) {
    add_all(value.as_object("value"), '{', '}', [&](const auto& member) {
      text += system::json_quoted(member.first);
      text += ": ";
      write(member.second, text);
    });
  } else if (value.is_number() && !value.is_integer() && std::abs(value.as_number("value")) < 1e15 &&
             std::floor(value.as_number("value")) == value.as_number("value")) {
    text += std::to_string(static_cast<int64_t>(value.as_number("value")));
  } else {
    text += value.dump();
  }
}

struct Times {
  std::vector<double> values;  // us

  [[nodiscard]] double mean() const {
    double sum = 0;
    for (const double value : values) sum += value;
    return values.empty() ? 0 : sum / static_cast<double>(values.size());
  }
  double quantile(double q) {
    if (values.empty()) return 0;
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    return *at;
  }
};

struct Result {
  size_t n_passing = 0;
  size_t n_refused = 0;
  size_t n_wrongly_refused = 0;
  size_t n_wrongly_accepted = 0;
  Times masks;
  Times first_masks;
};

// The masks before each token of a text. False where a token is not allowed.
bool read_tokens(const Grammar& compiled, const std::shared_ptr<const grammar::TokenTrie>& trie,
                 const std::vector<int32_t>& tokens, Result& result) {
  Matcher matcher(compiled, trie);
  for (const int32_t token : tokens) {
    const double from = now_us();
    const auto mask = matcher.mask();
    result.masks.values.push_back(now_us() - from);
    const auto id = static_cast<size_t>(token);
    if ((mask[id / 32] >> (id % 32) & 1U) == 0) return false;
    if (!matcher.accept(token)) fail(ErrorCode::kInternal, "a token of the mask is not accepted");
  }
  return matcher.can_end();
}

int run(const std::string& vocabulary, const std::string& schemas, const std::string& failures) {
  const auto file = format::open_model(vocabulary, {});
  const auto tokenizer = chat::make_tokenizer(*file);
  std::vector<int32_t> ends;
  if (tokenizer->spec().eos) ends.push_back(*tokenizer->spec().eos);
  const double begin = now_us();
  const auto trie = grammar::TokenTrie::make(*tokenizer, ends);
  const double trie_ms = (now_us() - begin) * 1e-3;
  std::ofstream out(failures);
  Result result;
  size_t n_schemas = 0;
  const std::string all = system::read_file(schemas, size_t{1} << 30);
  for (size_t at = 0; at < all.size();) {
    const size_t line_end = std::min(all.find('\n', at), all.size());
    const Json row = Json::parse(std::string_view(all).substr(at, line_end - at), "maskbench");
    at = line_end + 1;
    ++n_schemas;
    const auto note = [&](std::string_view what, const std::string& detail) {
      Json line;
      line.set("file", row.at("file").as_string("file"));
      line.set("what", what);
      line.set("detail", detail);
      out << line.dump() << '\n';
    };
    const double from = now_us();
    std::optional<Grammar> compiled;
    try {
      compiled = Grammar::from_schema(row.at("schema"));
      Matcher matcher(*compiled, trie);
      (void)matcher.mask();
    } catch (const Error& error) {
      ++result.n_refused;
      note("refused", error.message());
      continue;
    }
    const double first_mask = now_us() - from;
    result.first_masks.values.push_back(first_mask);
    if (first_mask > 1e5) note("slow", std::to_string(first_mask));
    bool passes = true;
    for (const Json& test : row.at("tests").as_array("tests")) {
      std::string text;
      write(test.at("data"), text);
      const bool is_valid = test.at("valid").as_bool("valid");
      bool accepts = false;
      if (is_valid) {
        accepts = read_tokens(*compiled, trie, tokenizer->encode(text), result);
      } else {
        Matcher matcher(*compiled, trie);
        accepts = matcher.accept_bytes(text) && matcher.can_end();
      }
      if (accepts == is_valid) continue;
      passes = false;
      (is_valid ? result.n_wrongly_refused : result.n_wrongly_accepted) += 1;
      note(is_valid ? "wrongly refused" : "wrongly accepted", text);
    }
    if (passes) ++result.n_passing;
  }
  const std::string name = vocabulary.substr(vocabulary.rfind('/') + 1);
  std::printf(
      R"({"vocabulary": "%s", "tokens": %zu, "trie ms": %.1f, "schemas": %zu, "passing": %zu, "refused": %zu, )"
      R"("valid instances refused": %zu, "invalid instances accepted": %zu, "masks": %zu, "mask us mean": %.1f, )"
      R"("p50": %.1f, "p90": %.1f, "p99": %.1f, "max": %.0f, "first mask ms p50": %.3f, "p90": %.3f, "max": %.1f})"
      "\n",
      name.c_str(), tokenizer->vocab_size(), trie_ms, n_schemas, result.n_passing, result.n_refused,
      result.n_wrongly_refused, result.n_wrongly_accepted, result.masks.values.size(), result.masks.mean(),
      result.masks.quantile(0.5), result.masks.quantile(0.9), result.masks.quantile(0.99), result.masks.quantile(1),
      result.first_masks.quantile(0.5) * 1e-3, result.first_masks.quantile(0.9) * 1e-3,
      result.first_masks.quantile(1) * 1e-3);
  return 0;
}

}  // namespace
}  // namespace kinglet

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4)
    return std::fputs("usage: grammar_bench VOCABULARY.gguf MASKBENCH.jsonl [FAILURES.jsonl]\n", stderr), 2;
  try {
    return kinglet::run(argv[1], argv[2], argc == 4 ? argv[3] : "/dev/null");
  } catch (const kinglet::Error& error) {
    std::fprintf(stderr, "%s\n", error.message().c_str());
    return kinglet::exit_status(error.code());
  }
}
