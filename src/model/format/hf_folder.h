// A Hugging Face folder (config.json, safetensors) as a ModelFile.
//
// Settings become the keys of GGUF and tensors get its names. Data stays where the files have it; a tensor is converted
// only where kernels could not read it there (vectors in 16 bit become f32, misaligned data is copied) or where its
// family's layout differs from GGUF's.
#pragma once

#include <memory>
#include <string>

#include "model/format/hf_family.h"
#include "model/format/model_file.h"

namespace kinglet::format {

struct HfOptions {
  std::string config_name = "config.json";
  /// As a GGUF file of the model has it, to be written: rows of q and k in the order of files, and tensors that have to
  /// be converted are made only while they are read (ModelFile::read). Else the folder is for running.
  bool as_file = false;
  /// Read what the folder says about its words, too (hf_vocabulary.h): a large tokenizer.json takes longer than all
  /// else. Without them there is nothing under tokenizer.* but what the configuration has.
  bool has_words = true;
};

/// Throws Error{kNotFound, kInvalidFile or kUnsupported (a family, setting or tensor type that is not known, named)}.
std::shared_ptr<const ModelFile> open_hf_folder(const std::string& path, HfFamilies families,
                                                const HfOptions& options = {});

}  // namespace kinglet::format
