// Facade of model/format: model files, read as untrusted input.
//
// ModelFile (model_file.h) is what all kinds of files become: Metadata in the words of GGUF and a list of tensors;
// open_model finds out what a path is. GGUF is read and written in gguf.h, safetensors in safetensors.h; hf_family.h
// has what a Hugging Face family is called in GGUF; inspect.h shows a file to people. Thread rules: a ModelFile is
// constant once open and may be shared.
#pragma once

#include "model/format/adapter.h"
#include "model/format/gguf.h"
#include "model/format/metadata.h"
#include "model/format/model_file.h"
#include "model/format/open_model.h"
