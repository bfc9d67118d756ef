#include "model/convert/quantize.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>

#include "core/base/base.h"
#include "core/tensor/tensor.h"
#include "model/convert/encode_rows.h"

namespace kinglet::convert {
namespace {

uint64_t size_of(const TensorChoice& choice) {
  return choice.format->row_bytes(static_cast<size_t>(choice.tensor->dims[0])) * choice.tensor->n_rows();
}

// Keys that another one takes the place of.
bool is_left_out(std::string_view key) noexcept {
  return key == "general.quantization_version" || key == "general.file_type";
}

// The field keeps at most so many characters of a path.
std::string_view short_text(std::string_view text) noexcept { return text.substr(0, 127); }

void add_keys(const format::ModelFile& file, const QuantizeOptions& options, format::GgufWriter& writer) {
  for (const auto& [key, value] : file.metadata().entries()) {
    if (!is_left_out(key)) writer.add_value(key, value);
  }
  // As llama-quantize orders them.
  writer.add_u32("general.quantization_version", kQuantizationVersion);
  writer.add_u32("general.file_type", options.mixture->file_type);
  if (options.importance == nullptr) return;
  const ImportanceMatrix& importance = *options.importance;
  writer.add_string("quantize.imatrix.file", short_text(options.importance_path));
  if (!importance.datasets.empty())
    writer.add_string("quantize.imatrix.dataset", short_text(importance.datasets.front()));
  writer.add_u32("quantize.imatrix.entries_count", static_cast<uint32_t>(importance.by_name.size()));
  if (importance.n_chunks > 0) writer.add_u32("quantize.imatrix.chunks_count", importance.n_chunks);
}

// Both loops have no branch and no chain of sums, so that they become vectors.
bool all_finite(std::span<const float> values) noexcept {
  uint32_t n_bad = 0;
  for (const float value : values) n_bad += (std::bit_cast<uint32_t>(value) & 0x7F800000U) == 0x7F800000U ? 1U : 0U;
  return n_bad == 0;
}

double squared_distance(std::span<const float> a, std::span<const float> b) noexcept {
  constexpr size_t kLanes = 8;
  std::array<double, kLanes> squares{};
  size_t i = 0;
  for (; i + kLanes <= a.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const double off = static_cast<double>(a[i + lane]) - static_cast<double>(b[i + lane]);
      squares[lane] += off * off;
    }
  }
  double square = 0;
  for (const double of_lane : squares) square += of_lane;
  for (; i < a.size(); ++i) square += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
  return square;
}

// Encodes the rows of one tensor, a piece at a time, rows shared by the pool's threads.
class RowEncoder {
 public:
  RowEncoder(const TensorChoice& choice, const std::string& path, const kernels::KernelTable& table, ThreadPool& pool)
      : choice_(choice),
        path_(path),
        encode_(table.encode_weights[quant::index_of(*choice.format)]),
        pool_(pool),
        n_cols_(static_cast<size_t>(choice.tensor->dims[0])),
        n_rows_(static_cast<size_t>(choice.tensor->n_rows())),
        squares_(n_rows_) {}

  /// `importance`: n_cols values for each matrix of the tensor, or empty.
  void run(std::span<const std::byte> bytes, std::span<const float> importance, const format::GgufWriter::Sink& sink) {
    const quant::Format& from = *choice_.tensor->format;
    const quant::Format& to = *choice_.format;
    const size_t to_bytes = to.row_bytes(n_cols_);
    const size_t piece_rows = std::clamp<size_t>(kMaxWorkBytes / to_bytes, 1, n_rows_);
    const auto n_threads = static_cast<size_t>(pool_.n_threads());
    tensor::Buffer rows = tensor::Buffer::uninitialized(n_threads * 2 * n_cols_ * sizeof(float));
    tensor::Buffer blocks = tensor::Buffer::uninitialized(piece_rows * to_bytes);
    for (size_t first = 0; first < n_rows_; first += piece_rows) {
      const size_t n = std::min(piece_rows, n_rows_ - first);
      for_rows(pool_, n, [&](size_t r, size_t thread_idx) {
        float* row = rows.at<float>() + thread_idx * 2 * n_cols_;
        from.decode(bytes.data() + (first + r) * from.row_bytes(n_cols_), row, n_cols_);
        encode_row(first + r, row, importance, blocks.data() + r * to_bytes);
      });
      if (has_bad_value_) check_finite(*choice_.tensor, bytes, path_);  // finds the first of them
      sink({blocks.data(), n * to_bytes});
    }
  }

  [[nodiscard]] double rmse() const {
    // Rows are added in order, whichever thread had them.
    double square = 0;
    for (const double of_row : squares_) square += of_row;
    return std::sqrt(square / (static_cast<double>(n_rows_) * static_cast<double>(n_cols_)));
  }

 private:
  /// `row` has room for the values and for what they are read back as.
  void encode_row(size_t r, float* row, std::span<const float> importance, std::byte* blocks) noexcept {
    if (!all_finite({row, n_cols_})) {
      has_bad_value_ = true;
      return;
    }
    const auto n_rows_each = static_cast<size_t>(choice_.tensor->dims[1]);
    encode_(row, importance.empty() ? nullptr : importance.data() + r / n_rows_each * n_cols_, blocks, n_cols_);
    float* decoded = row + n_cols_;
    choice_.format->decode(blocks, decoded, n_cols_);
    squares_[r] = squared_distance({decoded, n_cols_}, {row, n_cols_});
  }

  const TensorChoice& choice_;
  const std::string& path_;
  const kernels::EncodeWeightsFn encode_;
  ThreadPool& pool_;
  const size_t n_cols_;
  const size_t n_rows_;
  std::vector<double> squares_;
  std::atomic<bool> has_bad_value_ = false;
};

}  // namespace

uint64_t quantized_size(std::span<const TensorChoice> choices) {
  uint64_t size = 0;
  for (const TensorChoice& choice : choices) size += size_of(choice);
  return size;
}

void check_importance(std::span<const TensorChoice> choices, const ImportanceMatrix* importance) {
  for (const TensorChoice& choice : choices) {
    if (choice.format == choice.tensor->format) continue;
    const auto found = importance == nullptr ? decltype(importance->by_name.begin()){}
                                             : importance->by_name.find(std::string(choice.tensor->name));
    const bool is_there = importance != nullptr && found != importance->by_name.end();
    const uint64_t n_wanted = choice.tensor->dims[0] * choice.tensor->dims[2];
    if (is_there && found->second.squares.size() != n_wanted && choice.tensor->name != "token_embd.weight") {
      fail_with(ErrorCode::kInvalidArgument, "importance matrix: ", choice.tensor->name, ": has ",
                found->second.squares.size(), " columns, expected ", n_wanted);
    }
    if (!is_there && choice.needs_importance) {
      fail_with(ErrorCode::kInvalidArgument, "type ", choice.format->name, " of ", choice.tensor->name,
                ": needs an importance matrix; make one with kinglet imatrix and name it with --imatrix");
    }
  }
}

void quantize(const format::ModelFile& file, std::span<const TensorChoice> choices, const QuantizeOptions& options,
              const kernels::KernelTable& table, ThreadPool& pool, const format::GgufWriter::Sink& sink) {
  check_importance(choices, options.importance);
  const uint64_t total = quantized_size(choices);
  uint64_t done = 0;
  format::GgufWriter writer;
  add_keys(file, options, writer);
  for (const TensorChoice& choice : choices) {
    const format::TensorEntry& tensor = *choice.tensor;
    writer.add_tensor(tensor.name, *choice.format, std::span(tensor.dims).first(tensor.n_dims),
                      [&](const format::GgufWriter::Sink& to) {
                        if (options.progress && !options.progress(done, total)) fail(ErrorCode::kCancelled, "stopped");
                        double rmse = 0;
                        file.read(tensor, [&](std::span<const std::byte> bytes) {
                          if (choice.format == tensor.format) {
                            check_finite(tensor, bytes, file.path());
                            return to(bytes);
                          }
                          std::vector<float> importance;
                          if (options.importance != nullptr) importance = options.importance->weights_of(tensor.name);
                          if (importance.size() != tensor.dims[0] * tensor.dims[2]) importance.clear();
                          RowEncoder encoder(choice, file.path(), table, pool);
                          encoder.run(bytes, importance, to);
                          rmse = encoder.rmse();
                        });
                        file.release(tensor);
                        done += size_of(choice);
                        if (options.done) options.done({&choice, size_of(choice), rmse});
                      });
  }
  writer.write(sink);
}

}  // namespace kinglet::convert
