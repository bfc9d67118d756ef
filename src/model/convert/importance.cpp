#include "model/convert/importance.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/base/base.h"
#include "home/system/mapped_file.h"
#include "model/format/printable.h"

namespace kinglet::convert {
namespace {

constexpr std::string_view kSums = ".in_sum2";
constexpr std::string_view kCounts = ".counts";

std::vector<float> floats_of(const format::TensorEntry& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.size_bytes / sizeof(float)));
  std::memcpy(values.data(), tensor.data, values.size() * sizeof(float));
  return values;
}

void check_sums(const std::string& path, const std::string& name, const ColumnSums& sums) {
  const auto refuse = [&](std::string_view why) {
    fail_with(ErrorCode::kInvalidFile, path, ": ", format::printable(name), ": ", why);
  };
  if (sums.counts.empty() || sums.squares.empty() || sums.squares.size() % sums.counts.size() != 0)
    refuse(str("has ", sums.squares.size(), " sums for ", sums.counts.size(), " counts"));
  const auto is_sum = [](float x) { return std::isfinite(x) && x >= 0.0F; };
  if (!std::ranges::all_of(sums.squares, is_sum)) refuse("a sum of squares is negative or not finite");
  if (!std::ranges::all_of(sums.counts, is_sum)) refuse("a count is negative or not finite");
}

ImportanceMatrix read_new(const std::string& path) {
  const auto file = format::open_gguf(path);
  const format::Metadata& metadata = file->metadata();
  const auto type = metadata.get<std::string_view>("general.type");
  if (type && *type != "imatrix") metadata.refuse("general.type", "is not imatrix: this is no importance matrix");
  ImportanceMatrix matrix;
  matrix.n_chunks = metadata.require<uint32_t>("imatrix.chunk_count");
  matrix.chunk_len = metadata.require<uint32_t>("imatrix.chunk_size");
  if (const format::Array* datasets = metadata.string_array("imatrix.datasets")) {
    datasets->for_each_string([&](std::string_view dataset) { matrix.datasets.emplace_back(dataset); });
  }
  for (const format::TensorEntry& tensor : file->tensors()) {
    if (!tensor.name.ends_with(kSums)) continue;
    const std::string name(tensor.name.substr(0, tensor.name.size() - kSums.size()));
    const format::TensorEntry* counts = file->find(name + std::string(kCounts));
    const bool is_readable = counts != nullptr && tensor.type_id == 0 && counts->type_id == 0;
    if (!is_readable)
      fail_with(ErrorCode::kInvalidFile, path, ": ", format::printable(name), ": has no F32 sums and counts");
    ColumnSums sums{floats_of(tensor), floats_of(*counts)};
    check_sums(path, name, sums);
    matrix.by_name.emplace(name, std::move(sums));
  }
  if (matrix.by_name.empty()) fail_with(ErrorCode::kInvalidFile, path, ": holds no importance of any matrix");
  return matrix;
}

// The older form: a count of entries; of each the name, the number of calls, the number of columns, and sums over calls
// of mean squares; then maybe the number of chunks and the text's name.
ImportanceMatrix read_old(std::span<const std::byte> bytes, const std::string& path) {
  ByteReader reader(bytes, path);
  ImportanceMatrix matrix;
  const auto text = [&](std::string_view what) {
    const auto length = reader.read<int32_t>(what);
    if (length < 0 || static_cast<uint64_t>(length) > reader.remaining())
      reader.refuse(what, str("a length of ", length, " does not fit"));
    const auto chars = reader.chars(static_cast<uint64_t>(length), what);
    return std::string(chars);
  };
  const auto n_entries = reader.read<int32_t>("number of entries");
  if (n_entries < 1) reader.refuse("number of entries", "this is no importance matrix");
  for (int32_t i = 0; i < n_entries; ++i) {
    const std::string name = text("name");
    const auto n_calls = reader.read<int32_t>("calls");
    const auto n_values = reader.read<int32_t>("columns");
    if (n_values < 1 || static_cast<uint64_t>(n_values) > reader.remaining() / sizeof(float))
      reader.refuse("columns", str(n_values, " do not fit"));
    ColumnSums sums;
    sums.squares.resize(static_cast<size_t>(n_values));
    const auto from = reader.bytes(sums.squares.size() * sizeof(float), "sums");
    std::memcpy(sums.squares.data(), from.data(), from.size());
    sums.counts = {static_cast<float>(std::max(n_calls, 1))};
    check_sums(path, name, sums);
    matrix.by_name.emplace(name, std::move(sums));
  }
  if (reader.remaining() > 0) {
    matrix.n_chunks = static_cast<uint32_t>(std::max(reader.read<int32_t>("chunks"), 0));
    if (reader.remaining() > 0) matrix.datasets.push_back(text("dataset"));
  }
  return matrix;
}

}  // namespace

std::vector<float> ImportanceMatrix::weights_of(std::string_view name) const {
  const auto found = by_name.find(std::string(name));
  if (found == by_name.end()) return {};
  const ColumnSums& sums = found->second;
  std::vector<float> weights(sums.squares.size());
  const size_t n_cols = sums.n_cols();
  for (size_t part = 0; part < sums.counts.size(); ++part) {
    const float count = sums.counts[part];
    for (size_t i = part * n_cols; i < (part + 1) * n_cols; ++i)
      weights[i] = count > 0.0F ? sums.squares[i] / count : 1.0F;
  }
  return weights;
}

void ImportanceMatrix::add(const ImportanceMatrix& other) {
  for (const auto& [name, sums] : other.by_name) {
    const auto [place, is_new] = by_name.emplace(name, sums);
    if (is_new) continue;
    ColumnSums& own = place->second;
    if (own.squares.size() != sums.squares.size() || own.counts.size() != sums.counts.size()) {
      fail_with(ErrorCode::kInvalidArgument, "importance matrix: ", format::printable(name), ": has ",
                sums.squares.size(), " columns in one and ", own.squares.size(), " in the other");
    }
    for (size_t i = 0; i < own.squares.size(); ++i) own.squares[i] += sums.squares[i];
    for (size_t i = 0; i < own.counts.size(); ++i) own.counts[i] += sums.counts[i];
  }
  for (const std::string& dataset : other.datasets) {
    if (std::ranges::find(datasets, dataset) == datasets.end()) datasets.push_back(dataset);
  }
  n_chunks += other.n_chunks;
  if (chunk_len == 0) chunk_len = other.chunk_len;
}

ImportanceMatrix read_importance(const std::string& path) {
  const system::MappedFile file(path);
  return format::is_gguf(file.bytes()) ? read_new(path) : read_old(file.bytes(), path);
}

void write_importance(const ImportanceMatrix& matrix, const format::GgufWriter::Sink& sink) {
  const quant::Format& f32 = *quant::find_by_name("F32");
  format::GgufWriter writer;
  writer.add_string("general.type", "imatrix");
  const std::vector<std::string_view> datasets(matrix.datasets.begin(), matrix.datasets.end());
  writer.add_strings("imatrix.datasets", datasets);
  writer.add_u32("imatrix.chunk_count", matrix.n_chunks);
  writer.add_u32("imatrix.chunk_size", matrix.chunk_len);
  for (const auto& [name, sums] : matrix.by_name) {
    const std::array<uint64_t, 2> shape = {sums.n_cols(), sums.counts.size()};
    const std::array<uint64_t, 2> of_counts = {1, sums.counts.size()};
    const size_t n_dims = sums.counts.size() == 1 ? 1 : 2;
    writer.add_tensor(name + std::string(kSums), f32, std::span(shape).first(n_dims),
                      std::as_bytes(std::span(sums.squares)));
    writer.add_tensor(name + std::string(kCounts), f32, std::span(of_counts).first(n_dims),
                      std::as_bytes(std::span(sums.counts)));
  }
  writer.write(sink);
}

}  // namespace kinglet::convert
