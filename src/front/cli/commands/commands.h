// All commands: a file each (help has three), a line each in main.cpp.
#pragma once

#include "front/cli/command.h"

namespace kinglet::cli {

Command run_command();
Command serve_command();

Command pull_command();
Command list_command();
Command show_command();
Command cp_command();
Command rm_command();
Command create_command();
Command push_command();
Command import_command();
Command inspect_command();
Command convert_command();
Command quantize_command();
Command imatrix_command();
Command merge_command();

Command tokenize_command();
Command detokenize_command();
Command template_command();
Command embed_command();
Command rerank_command();
Command logits_command();
Command gradients_command();
Command perplexity_command();
Command bench_command();
Command doctor_command();

Command help_command();
Command completion_command();
Command man_command();

}  // namespace kinglet::cli
