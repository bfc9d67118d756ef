#include "front/cli/machine.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "home/system/file.h"

namespace kinglet::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kPiece = size_t{256} << 10;

double seconds_since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

double measure_loop(const kernels::PeakLoop& loop, ThreadPool& pool, double seconds) {
  if (loop.run == nullptr) return 0;
  std::atomic<uint64_t> kept{0};  // so that the work has a use
  // As many rounds as one thread does in a hundredth of the time.
  size_t n_rounds = 1000;
  for (;;) {
    const auto started = Clock::now();
    kept += loop.run(n_rounds);
    if (seconds_since(started) > seconds / 100) break;
    n_rounds *= 2;
  }
  std::vector<double> rates(static_cast<size_t>(pool.n_threads()), 0.0);
  pool.run_all([&](int thread_idx) {
    const auto started = Clock::now();
    size_t n_done = 0;
    double passed = 0;
    while (passed < seconds) {
      kept += loop.run(n_rounds);
      n_done += n_rounds;
      passed = seconds_since(started);
    }
    rates[static_cast<size_t>(thread_idx)] = static_cast<double>(n_done * loop.ops_per_round) / passed;
  });
  double total = 0;
  for (const double rate : rates) total += rate;
  return total;
}

}  // namespace

ComputePeaks measure_peaks(const kernels::PeakKernels& peaks, ThreadPool& pool, double seconds) {
  return {measure_loop(peaks.f32, pool, seconds), measure_loop(peaks.int8, pool, seconds),
          measure_loop(peaks.bf16, pool, seconds)};
}

double measure_read(const kernels::PeakKernels& peaks, std::span<const std::span<const std::byte>> memory,
                    ThreadPool& pool, size_t n_passes) {
  std::vector<std::span<const std::byte>> pieces;
  size_t n_bytes = 0;
  for (std::span<const std::byte> area : memory) {
    // Loads are aligned, and whole steps are read.
    const size_t skip = std::min(area.size(), (64 - reinterpret_cast<uintptr_t>(area.data()) % 64) % 64);
    area = area.subspan(skip);
    while (area.size() >= kernels::PeakKernels::kReadStep) {
      const size_t n =
          std::min(kPiece, area.size() / kernels::PeakKernels::kReadStep * kernels::PeakKernels::kReadStep);
      pieces.push_back(area.first(n));
      area = area.subspan(n);
      n_bytes += n;
    }
  }
  if (pieces.empty()) return 0;
  std::atomic<uint64_t> kept{0};
  const auto n_threads = static_cast<size_t>(pool.n_threads());
  double best = 0;
  for (size_t pass = 0; pass <= n_passes; ++pass) {
    const auto started = Clock::now();
    pool.run_all([&](int thread_idx) {
      const auto t = static_cast<size_t>(thread_idx);
      uint64_t sum = 0;
      for (size_t i = t * pieces.size() / n_threads; i < (t + 1) * pieces.size() / n_threads; ++i) {
        sum ^= peaks.read(pieces[i].data(), pieces[i].size());
      }
      kept += sum;
    });
    if (pass > 0) best = std::max(best, static_cast<double>(n_bytes) / seconds_since(started));
  }
  return best;
}

std::string cpu_name() {
  std::string facts;
  try {
    facts = system::read_file("/proc/cpuinfo", 1 << 24);
  } catch (const Error&) {
    return {};
  }
  for (const std::string_view label : {"model name", "Model"}) {
    const size_t at = facts.find(str('\n', label));
    if (at == std::string::npos) continue;
    const size_t colon = facts.find(':', at);
    const size_t end = std::min(facts.find('\n', colon), facts.size());
    if (colon != std::string::npos && colon + 2 < end) return facts.substr(colon + 2, end - colon - 2);
  }
  return {};
}

}  // namespace kinglet::cli
