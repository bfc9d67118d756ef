#include "core/quant/point_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/quant/block_rows.h"
#include "core/quant/codebooks.h"
#include "core/quant/scale_search.inl.h"

namespace kinglet::quant {
namespace {

constexpr size_t kLevels = 8;    // numbers that a coordinate of a point may have
constexpr size_t kNearest = 16;  // points that are looked at

int code_of(uint32_t point, size_t i) noexcept { return static_cast<int>((point >> (8 * i)) & 255U); }

// The points around each cell of the lattice on which the codebook chose its points, the nearest first. A cell's own
// point need not be one of the codebook.
class Neighbours {
 public:
  explicit Neighbours(std::span<const uint32_t> codebook) noexcept {
    int lowest = 255;
    int next = 255;
    for (const uint32_t point : codebook) lowest = std::min(lowest, code_of(point, 0));
    for (const uint32_t point : codebook) {
      if (code_of(point, 0) > lowest) next = std::min(next, code_of(point, 0));
    }
    lowest_ = static_cast<float>(lowest);
    inverse_step_ = 1.0F / static_cast<float>(next - lowest);
    for (size_t cell = 0; cell < cells_.size(); ++cell) fill(codebook, cell, next - lowest, lowest);
  }

  struct Cell {
    uint32_t points[kNearest];
    uint16_t places[kNearest];
  };

  /// The cell around four codes.
  [[nodiscard]] const Cell& around(const float* codes) const noexcept {
    size_t cell = 0;
    for (size_t i = 0; i < 4; ++i) {
      const int level = nearest((codes[i] - lowest_) * inverse_step_, 0, kLevels - 1);
      cell += static_cast<size_t>(level) << (3 * i);
    }
    return cells_[cell];
  }

 private:
  void fill(std::span<const uint32_t> codebook, size_t cell, int step, int lowest) noexcept {
    std::array<std::pair<int, uint16_t>, kMaxPoints> by_distance;
    for (size_t p = 0; p < codebook.size(); ++p) {
      int distance = 0;
      for (size_t i = 0; i < 4; ++i) {
        const int level = static_cast<int>((cell >> (3 * i)) % kLevels);
        const int off = lowest + level * step - code_of(codebook[p], i);
        distance += off * off;
      }
      by_distance[p] = {distance, static_cast<uint16_t>(p)};
    }
    const auto end = by_distance.begin() + static_cast<std::ptrdiff_t>(codebook.size());
    std::partial_sort(by_distance.begin(), by_distance.begin() + kNearest, end);
    for (size_t k = 0; k < kNearest; ++k) {
      cells_[cell].places[k] = by_distance[k].second;
      cells_[cell].points[k] = codebook[by_distance[k].second];
    }
  }

  static constexpr size_t kMaxPoints = 512;
  float lowest_ = 0;
  float inverse_step_ = 0;
  std::array<Cell, kLevels * kLevels * kLevels * kLevels> cells_;
};

// Made when the first row is encoded.
const Neighbours& neighbours_of(std::span<const uint32_t> codebook) noexcept {
  if (codebook.size() == kGridIQ3S.size()) {
    static const Neighbours of_iq3_s(kGridIQ3S);
    return of_iq3_s;
  }
  static const Neighbours of_iq3_xxs(kGridIQ3XXS);
  return of_iq3_xxs;
}

double error_of(const float* x, const float* weights, uint32_t point, float scale) noexcept {
  double error = 0;
  for (size_t i = 0; i < 4; ++i) {
    const double off = static_cast<double>(scale) * code_of(point, i) - x[i];
    error += weights[i] * off * off;
  }
  return error;
}

// Of the points around x: the least sum of w (s code - x)^2 less what no point changes.
size_t nearest_point(const float* x, const float* weights, const Neighbours& neighbours, float scale) noexcept {
  using L = Lanes<16>;
  const float inverse = inverse_of(scale);
  const float codes[4] = {x[0] * inverse, x[1] * inverse, x[2] * inverse, x[3] * inverse};
  const Neighbours::Cell& cell = neighbours.around(codes);
  L errors = L::set(0.0F);
  for (size_t i = 0; i < 4; ++i) {
    float of_points[kNearest];
    for (size_t k = 0; k < kNearest; ++k) of_points[k] = static_cast<float>(code_of(cell.points[k], i));
    const L code = L::load(of_points);
    errors = errors + code * (L::set(weights[i] * scale * scale) * code - L::set(2.0F * weights[i] * scale * x[i]));
  }
  return cell.places[place_of_least(errors)];
}

}  // namespace

PointChoice nearest_points(const float* x, const float* weights, std::span<const uint32_t> codebook,
                           float scale) noexcept {
  PointChoice choice{};
  const Neighbours& neighbours = neighbours_of(codebook);
  for (size_t q = 0; q < 8; ++q) {
    const size_t point = nearest_point(x + 4 * q, weights + 4 * q, neighbours, scale);
    choice.points[q] = static_cast<uint16_t>(point);
    choice.error += error_of(x + 4 * q, weights + 4 * q, codebook[point], scale);
  }
  return choice;
}

float fit_point_scale(const float* x, const float* weights, std::span<const uint32_t> codebook, float top) noexcept {
  const float peak = *std::max_element(x, x + 32);
  if (!(peak > 0.0F)) return 0.0F;
  float best = peak / top;
  double least = HUGE_VAL;
  for (int attempt = 0; attempt < 8; ++attempt) {
    const float scale = peak / (top * (0.85F + 0.07F * static_cast<float>(attempt)));
    const PointChoice choice = nearest_points(x, weights, codebook, scale);
    double of_squares = 0;
    double of_products = 0;
    for (size_t i = 0; i < 32; ++i) {
      const double code = code_of(codebook[choice.points[i / 4]], i % 4);
      of_squares += weights[i] * code * code;
      of_products += weights[i] * code * x[i];
    }
    const auto fitted = static_cast<float>(std::max(of_products / of_squares, 0.0));
    double error = 0;
    for (size_t q = 0; q < 8; ++q) error += error_of(x + 4 * q, weights + 4 * q, codebook[choice.points[q]], fitted);
    if (error < least) {
      least = error;
      best = fitted;
    }
  }
  return best;
}

}  // namespace kinglet::quant
