// Puts an adapter together from the tensors of a file, checking each against the model.
#pragma once

#include <cmath>
#include <map>

#include "model/format/adapter.h"

namespace kinglet::format {

/// A tensor of an adapter's file; a vector is one row.
struct AdapterMatrix {
  std::string name;  ///< In the file, for messages.
  size_t rows;
  size_t cols;
  std::vector<float> values;
};

/// All functions throw Error{kInvalidFile} that names the tensor; shapes are said, that of the file and the expected
/// one.
class AdapterBuilder {
 public:
  AdapterBuilder(std::string path, const AdapterTarget& target);

  /// What changes this matrix of the model; made when first asked for. `what` is the tensor of the file.
  AdapterWeight& weight(const std::string& name, std::string_view what);
  void put_a(AdapterWeight& weight, AdapterMatrix matrix) const;
  void put_b(AdapterWeight& weight, AdapterMatrix matrix) const;
  void put_magnitude(AdapterWeight& weight, AdapterMatrix matrix) const;
  [[nodiscard]] std::vector<AdapterWeight>& weights() noexcept { return adapter_.weights; }

  /// Checks that pairs are whole and brings rows into the model's order. `file_has_halves`: that of PEFT.
  Adapter finish(bool file_has_halves);

 private:
  void put(std::vector<float>& into, std::vector<float> values, std::string_view what) const;
  void check_shape(const AdapterMatrix& matrix, size_t rows, size_t cols) const;

  const AdapterTarget& target_;
  const bool keeps_halves_;
  Adapter adapter_;
  std::map<std::string, size_t> places_;
};

}  // namespace kinglet::format
