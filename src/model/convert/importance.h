// The importance of a matrix's columns: the mean square of what its products read, measured on a text.
//
// Files are those of the field in both directions (llama.cpp, tools/imatrix): a GGUF file with general.type "imatrix"
// and of each matrix NAME.in_sum2 (sums of squares, a row of columns for each expert) and NAME.counts (tokens of each
// expert); the older binary .dat is read.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/format/format.h"

namespace kinglet::convert {

/// Of one matrix, or of the stacked matrices of experts.
struct ColumnSums {
  std::vector<float> squares;  ///< n_experts rows of n_cols: the sum over tokens.
  std::vector<float> counts;   ///< Tokens, of each expert.

  [[nodiscard]] size_t n_cols() const noexcept { return counts.empty() ? 0 : squares.size() / counts.size(); }
};

struct ImportanceMatrix {
  std::map<std::string, ColumnSums> by_name;  ///< By the matrix's name.
  std::vector<std::string> datasets;
  uint32_t n_chunks = 0;
  uint32_t chunk_len = 0;  ///< Tokens.

  /// Mean squares, 1 for experts that no token chose. Empty where the matrix is not there.
  [[nodiscard]] std::vector<float> weights_of(std::string_view name) const;
  /// Adds what was measured on another text. Throws Error{kInvalidArgument} where a matrix has another shape.
  void add(const ImportanceMatrix& other);
};

/// Reads either form. Throws Error{kInvalidFile} for what is damaged or not finite, kNotFound.
ImportanceMatrix read_importance(const std::string& path);

/// Writes the GGUF form.
void write_importance(const ImportanceMatrix& matrix, const format::GgufWriter::Sink& sink);

}  // namespace kinglet::convert
