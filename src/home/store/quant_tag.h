// The quantization in the name of a GGUF file, which is its tag on Hugging Face.
#pragma once

#include <string>
#include <string_view>

namespace kinglet::store {

/// "SmolLM2-135M-Instruct.Q4_1.gguf" taken apart.
struct FileWords {
  std::string name;           ///< "SmolLM2-135M-Instruct"; never empty where the file's name is not.
  std::string quant;          ///< "Q4_1" in capital letters; empty where the name has none.
  bool is_first_part = true;  ///< False for "-00002-of-00003".
};

/// Of a file's name without its folder.
FileWords read_file_words(std::string_view file_name);

}  // namespace kinglet::store
