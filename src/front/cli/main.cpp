// The program: its commands, and nothing else.
#include <array>

#include "front/cli/commands/commands.h"
#include "front/cli/program.h"

int main(int n_words, char** words) {
  using namespace kinglet::cli;
  const std::array kCommands = {
      // clang-format off: a line each
      run_command(),
      serve_command(),
      pull_command(),
      push_command(),
      list_command(),
      show_command(),
      cp_command(),
      rm_command(),
      create_command(),
      import_command(),
      inspect_command(),
      convert_command(),
      quantize_command(),
      imatrix_command(),
      merge_command(),
      tokenize_command(),
      detokenize_command(),
      template_command(),
      embed_command(),
      rerank_command(),
      logits_command(),
      gradients_command(),
      perplexity_command(),
      bench_command(),
      doctor_command(),
      help_command(),
      completion_command(),
      man_command(),
      // clang-format on
  };
  return run_program(kCommands, n_words, words);
}
