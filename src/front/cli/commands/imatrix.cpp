// kinglet imatrix: which columns of a model's matrices matter, measured on a text.
#include "front/cli/commands/commands.h"
#include "front/cli/input_files.h"
#include "front/cli/interrupt.h"
#include "front/cli/model_argument.h"
#include "front/cli/progress.h"
#include "home/system/file.h"
#include "learn/eval/activation_sums.h"

namespace kinglet::cli {
namespace {

class Imatrix final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("MODEL", model_, "A name, a GGUF file, or a Hugging Face folder").is_model = true;
    arguments.argument("TEXT", text_, "A text file; - is standard input").is_file = true;
    arguments.option("-o,--out", "FILE", out_, "The importance matrix to write").is_file = true;
    arguments.option("--context", "N", context_, "Tokens of a window (default 512)");
    arguments.option("--chunks", "N", chunks_, "Use only the first N windows");
    arguments.option("--merge", "FILE", merge_, "Add an importance matrix that another text gave").is_file = true;
  }

  void run(Session& session) override {
    if (out_.empty()) fail(ErrorCode::kInvalidArgument, "--out: is missing; it names the FILE to write");
    session.require_f32_kv("imatrix");
    std::vector<convert::ImportanceMatrix> others;
    for (const std::string& path : merge_) others.push_back(convert::read_importance(path));
    const std::string text = read_input(text_);
    require_utf8(text, text_);
    InterruptWatch interrupt;
    const auto file = open_source(find_model(session, model_));
    const auto tokenizer = chat::make_tokenizer(*file);
    const auto model = models::Model::load(file);
    eval::ActivationOptions options;
    options.context_len = context_;
    if (chunks_) options.n_windows = *chunks_;
    std::vector<int32_t> ids = tokenizer->encode(text);
    if (tokenizer->spec().add_bos && tokenizer->spec().bos) {
      options.begin = tokenizer->spec().bos;
      ids.insert(ids.begin(), *options.begin);
    }
    ProgressLine line(session.shows_progress());
    convert::ImportanceMatrix matrix =
        eval::activation_sums(*model, ids, options, session.table(), session.pool(), [&](size_t done, size_t all) {
          interrupt.check();
          line.show_count("windows", done, all);
        });
    line.finish();
    matrix.datasets = {text_};
    for (const convert::ImportanceMatrix& other : others) matrix.add(other);
    system::AtomicFile written(out_);
    convert::write_importance(matrix, [&](std::span<const std::byte> bytes) { written.write(bytes); });
    written.commit();
    session.note(str("Wrote ", out_, ": ", matrix.by_name.size(), " matrices, ", matrix.n_chunks, " windows of ",
                     matrix.chunk_len, " tokens."));
  }

 private:
  std::string model_;
  std::string text_;
  std::string out_;
  uint64_t context_ = 512;
  std::optional<uint64_t> chunks_;
  std::vector<std::string> merge_;
};

}  // namespace

Command imatrix_command() {
  return {
      "imatrix",
      "",
      "Measure which columns of a model's matrices matter, for quantize --imatrix",
      "The text is run in windows of --context tokens, and of each matrix of the layers the squares of what it reads "
      "are summed. The file is the one of llama.cpp's tool: each program reads the other's, the older .dat too.",
      "kinglet imatrix model-f16.gguf calibration.txt -o importance.gguf --chunks 64",
      make_action<Imatrix>};
}

}  // namespace kinglet::cli
