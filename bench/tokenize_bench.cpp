// How fast text becomes token ids, by the time of one processor: JSON lines for loading the vocabulary, for a text file
// and for 1 MB of each input that slow algorithms fear.   usage: tokenize_bench VOCABULARY.gguf TEXT_FILE
#include <array>
#include <cstdio>
#include <string>

#include "best_seconds.h"
#include "core/base/philox.h"
#include "home/system/file.h"
#include "model/format/open_model.h"
#include "run/chat/vocabulary.h"

namespace kinglet {
namespace {

constexpr Rounds kRounds{50, 0.5, processor_seconds};

std::string repeated(std::string_view unit, size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += unit;
  return text;
}

std::string random_bytes(size_t bytes) {
  Philox random(1);
  std::string text;
  for (size_t i = 0; i < bytes; ++i) text += static_cast<char>(random.next_u32() & 0xFFU);
  return text;
}

void measure(const text::Tokenizer& tokenizer, std::string_view vocabulary, std::string_view what,
             const std::string& text) {
  size_t n_tokens = 0;
  const double seconds = best_seconds([&] { n_tokens = tokenizer.encode(text).size(); }, kRounds);
  std::printf(R"({"vocabulary": "%.*s", "what": "%.*s", "bytes": %zu, "tokens": %zu, "ms": %.2f, "MB/s": %.1f})"
              "\n",
              static_cast<int>(vocabulary.size()), vocabulary.data(), static_cast<int>(what.size()), what.data(),
              text.size(), n_tokens, seconds * 1e3, static_cast<double>(text.size()) / seconds * 1e-6);
}

int run(const std::string& vocabulary, const std::string& text_file) {
  const auto file = format::open_model(vocabulary, {});
  const std::string name = vocabulary.substr(vocabulary.rfind('/') + 1);
  std::unique_ptr<const text::Tokenizer> tokenizer;
  const double load = best_seconds([&] { tokenizer = chat::make_tokenizer(*file); }, kRounds);
  std::printf(R"({"vocabulary": "%s", "what": "load", "tokens": %zu, "ms": %.2f})"
              "\n",
              name.c_str(), tokenizer->vocab_size(), load * 1e3);
  measure(*tokenizer, name, "text", system::read_file(text_file, size_t{1} << 30));
  constexpr size_t kMegabyte = 1'000'000;
  struct Hostile {
    std::string_view what;
    std::string text;
  };
  for (const auto& [what, text] : {
           Hostile{"one letter", std::string(kMegabyte, 'a')},
           Hostile{"spaces", std::string(kMegabyte, ' ')},
           Hostile{"emoji", repeated("\xF0\x9F\x98\x80", kMegabyte)},
           Hostile{"random bytes", random_bytes(kMegabyte)},
           Hostile{"ab", repeated("ab", kMegabyte)},
           Hostile{"digits", repeated("1234567890", kMegabyte)},
           Hostile{"newlines", std::string(kMegabyte, '\n')},
           Hostile{"punctuation", std::string(kMegabyte, '=')},
       }) {
    measure(*tokenizer, name, what, text);
  }
  return 0;
}

}  // namespace
}  // namespace kinglet

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: tokenize_bench VOCABULARY.gguf TEXT_FILE\n", stderr), 2;
  try {
    return kinglet::run(argv[1], argv[2]);
  } catch (const kinglet::Error& error) {
    std::fprintf(stderr, "%s\n", error.message().c_str());
    return kinglet::exit_status(error.code());
  }
}
