// kinglet tokenize: text to token ids.
#include <unistd.h>

#include "front/cli/commands/commands.h"
#include "front/cli/input_files.h"
#include "front/cli/model_argument.h"
#include "front/cli/text_lines.h"

namespace kinglet::cli {
namespace {

class Tokenize final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("MODEL", model_, "A name, a GGUF file (its vocabulary is enough), or a folder").is_model = true;
    arguments.flag("--special", special_, "Read spellings of special tokens as these tokens");
    arguments.flag("--bos", bos_, "Add what the model's own rule adds at the begin (and end)");
    arguments.flag("--jsonl", json_lines_, "Read one JSON string a line, print one JSON array a line");
  }

  void run(Session& session) override {
    const ModelSource source = find_model(session, model_);
    const auto file = open_source(source);
    const auto tokenizer = chat::make_tokenizer(*file);
    const text::EncodeOptions options{.special = special_, .bos = bos_};
    const std::string input = read_input("-");
    if (!json_lines_) {
      require_utf8(input, "standard input");
      session.out().write(joined(tokenizer->encode(input, options), ' ') + '\n');
      return;
    }
    for_each_line(input, [&](std::string_view line, const std::string& place) {
      const std::string text = system::Json::parse(line, place).as_string(place);
      session.out().write(str('[', joined(tokenizer->encode(text, options), ','), "]\n"));
    });
  }

 private:
  static std::string joined(const std::vector<int32_t>& ids, char between) {
    std::string text;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (i > 0) text += between;
      append_part(text, ids[i]);
    }
    return text;
  }

  std::string model_;
  bool special_ = false;
  bool bos_ = false;
  bool json_lines_ = false;
};

}  // namespace

Command tokenize_command() {
  return {"tokenize",
          "",
          "Turn text on standard input into token ids",
          "Prints the ids on one line, with a space between them.",
          "echo -n \"Hello, world\" | kinglet tokenize smollm2:135m\n"
          "kinglet tokenize ./model.gguf --special --bos < prompt.txt\n"
          "kinglet tokenize smollm2:135m --jsonl < texts.jsonl",
          make_action<Tokenize>};
}

}  // namespace kinglet::cli
