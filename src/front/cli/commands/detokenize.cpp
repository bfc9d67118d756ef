// kinglet detokenize: token ids to text.
#include "front/cli/commands/commands.h"
#include "front/cli/input_files.h"
#include "front/cli/model_argument.h"
#include "front/cli/text_lines.h"

namespace kinglet::cli {
namespace {

class Detokenize final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("MODEL", model_, "A name, a GGUF file (its vocabulary is enough), or a folder").is_model = true;
    arguments.flag("--special", special_, "Spell special tokens out");
    arguments.flag("--jsonl", json_lines_, "Read one JSON array a line, print one JSON string a line");
  }

  void run(Session& session) override {
    const ModelSource source = find_model(session, model_);
    const auto file = open_source(source);
    const auto tokenizer = chat::make_tokenizer(*file);
    const std::string input = read_input("-");
    if (!json_lines_) {
      session.out().write(tokenizer->decode_bytes(parse_ids(input, "standard input"), special_));
      return;
    }
    for_each_line(input, [&](std::string_view line, const std::string& place) {
      const std::vector<int32_t> ids = ids_of(system::Json::parse(line, place), place);
      session.out().write(system::json_quoted(tokenizer->decode(ids, special_)) + '\n');
    });
  }

 private:
  std::string model_;
  bool special_ = false;
  bool json_lines_ = false;
};

}  // namespace

Command detokenize_command() {
  return {"detokenize",
          "",
          "Turn token ids on standard input into text",
          "The way back from `kinglet tokenize`: the text is printed byte for byte, without a line end of its own.",
          "echo 28120 905 | kinglet detokenize smollm2:135m\n"
          "kinglet tokenize smollm2:135m < a.txt | kinglet detokenize smollm2:135m | cmp - a.txt",
          make_action<Detokenize>};
}

}  // namespace kinglet::cli
