// kinglet doctor: the machine as the engine sees it.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <thread>

#include "core/tensor/tensor.h"
#include "front/cli/commands/commands.h"
#include "front/cli/human.h"
#include "front/cli/interrupt.h"
#include "front/cli/machine.h"
#include "front/cli/model_argument.h"
#include "front/cli/progress.h"
#include "home/system/folder.h"
#include "home/system/memory.h"
#include "run/engine/sequence_memory.h"

namespace kinglet::cli {
namespace {

constexpr double kPeakSeconds = 0.1;
constexpr size_t kReadPasses = 4;
constexpr uint64_t kReadBytes = uint64_t{512} << 20;
constexpr uint64_t kSmallRoomBytes = uint64_t{2} << 30;
// What a loaded model takes beside its file and the context.
constexpr uint64_t kProgramBytes = uint64_t{40} << 20;

// Models that people start with, and about what their files weigh in the registry.
struct KnownModel {
  std::string_view name;
  uint64_t size_mb;
};
constexpr std::array kKnownModels = {
    KnownModel{"smollm2:135m", 271},  KnownModel{"smollm2:360m", 726}, KnownModel{"llama3.2:1b", 1321},
    KnownModel{"smollm2:1.7b", 1820}, KnownModel{"llama3.2:3b", 2019}, KnownModel{"llama3.1:8b", 4921},
};

struct ThreadRow {
  int n_threads;
  double read_rate;
  ComputePeaks peaks;
};

struct ModelRow {
  std::string name;
  bool is_here;
  uint64_t size_bytes;
  uint64_t needed_bytes;  // with a context of 4096 tokens
  std::string why_not;    // it cannot be loaded
};

class Doctor final : public Action {
 public:
  void declare(Arguments& arguments) override { arguments.flag("--json", json_, "One JSON document"); }

  void run(Session& session) override {
    InterruptWatch interrupt;
    const kernels::KernelTable& table = session.table();
    measure(session, interrupt);
    find_models(session);
    find_faults(session);
    json_ ? write_json(session, table) : write_text(session, table);
  }

 private:
  void measure(Session& session, const InterruptWatch& interrupt) {
    features_ = kernels::detect();
    memory_ = system::memory();
    free_disk_bytes_ = system::free_bytes(session.home());
    const kernels::PeakKernels loops = kernels::peak_kernels(features_, session.table().isa);
    const uint64_t n_bytes = std::clamp<uint64_t>(memory_.available_bytes / 4, uint64_t{16} << 20, kReadBytes);
    tensor::Buffer buffer(n_bytes);
    std::memset(buffer.data(), 1, buffer.size_bytes());  // pages that nobody has written are one page
    const std::span<const std::byte> bytes(buffer.data(), buffer.size_bytes());
    ProgressLine line(session.shows_progress());
    for (int n = 1;; n = std::min(2 * n, session.n_threads())) {
      interrupt.check();
      line.show_count("measuring, threads", static_cast<size_t>(n), static_cast<size_t>(session.n_threads()));
      system::SpinPool pool(n);
      rows_.push_back({n, measure_read(loops, {{bytes}}, pool, kReadPasses), measure_peaks(loops, pool, kPeakSeconds)});
      if (n == session.n_threads()) break;
    }
  }

  [[nodiscard]] double best_read_rate() const {
    return std::ranges::max_element(rows_, {}, &ThreadRow::read_rate)->read_rate;
  }

  void find_models(Session& session) {
    for (const store::StoredModel& stored : session.store().list()) {
      ModelRow row{stored.name.to_string(), true, stored.size_bytes, 0, stored.damage};
      try {
        const auto model = models::Model::load(models::open_file(stored.weights_path));
        const size_t n_tokens = std::min<size_t>(model->config().context_len, chat::Settings::kDefaultContext);
        const engine::EngineOptions options;
        row.needed_bytes = stored.size_bytes + kProgramBytes +
                           engine::sequence_layout(*model, options.kv_type).bytes_for(n_tokens, options.prompt_chunk);
      } catch (const Error& error) {
        row.why_not = error.code() == ErrorCode::kUnsupported ? "not supported" : "damaged";
      }
      models_.push_back(std::move(row));
    }
    for (const KnownModel& known : kKnownModels) {
      const bool is_here = std::ranges::any_of(models_, [&](const ModelRow& row) { return row.name == known.name; });
      const uint64_t size_bytes = known.size_mb * 1'000'000;
      // Contexts of models of these families are about a tenth of their file.
      if (!is_here)
        models_.push_back(
            {std::string(known.name), false, size_bytes, size_bytes + size_bytes / 10 + kProgramBytes, ""});
    }
  }

  void find_faults(Session& session) {
    if (session.table().isa == kernels::Isa::kScalar) {
      faults_.emplace_back("Kernels are scalar: expect a tenth of the speed of a CPU with AVX2 or NEON.");
    } else if (!features_.avx512 && !features_.neon) {
      faults_.emplace_back("The CPU has no AVX-512, so prompts are read more slowly; answers are hardly affected.");
    }
    const auto n_cpus = static_cast<int>(std::thread::hardware_concurrency());
    if (!session.options().threads && system::usable_cores() * 2 < n_cpus) {
      faults_.push_back(str("Of ", n_cpus, " CPUs this process may use ", system::usable_cores(),
                            " cores (a quota, or an affinity mask)."));
    }
    if (free_disk_bytes_ < kSmallRoomBytes) {
      faults_.push_back(
          str("There is little room on the disk of ", session.home(), ": ", human_bytes(free_disk_bytes_), "."));
    }
    if (std::ranges::none_of(models_, &ModelRow::is_here)) {
      faults_.emplace_back("There is no model yet: `kinglet pull smollm2:135m` gets a small one.");
    }
    if (session.options().offline) faults_.emplace_back("--offline: nothing can be pulled.");
  }

  [[nodiscard]] std::string fits(const ModelRow& row) const {
    if (!row.why_not.empty()) return row.why_not;
    return row.needed_bytes <= memory_.available_bytes ? "yes" : "no";
  }

  void write_text(Session& session, const kernels::KernelTable& table) {
    const auto line = [&](std::string_view label, const std::string& text) {
      session.out().write(str(label, std::string(14 - label.size(), ' '), text, '\n'));
    };
    const std::string name = cpu_name();
    line("cpu", name.empty() ? "unknown" : name);
    line("instructions", kernels::to_string(features_));
    line("kernels", std::string(table.name));
    line("cores",
         str(system::usable_cores(), " that this process may use, of ", std::thread::hardware_concurrency(), " CPUs"));
    line("memory", str(human_bytes(memory_.total_bytes), ", ", human_bytes(memory_.available_bytes), " free"));
    line("disk", str(human_bytes(free_disk_bytes_), " free for ", session.home()));
    session.out().write("\nthreads   read GB/s   f32 GFLOP/s   int8 GOP/s   bf16 GFLOP/s\n");
    for (const ThreadRow& row : rows_) {
      char text[128];
      std::snprintf(text, sizeof(text), "%7d %11.1f %13.0f %12.0f ", row.n_threads, row.read_rate / 1e9,
                    row.peaks.f32 / 1e9, row.peaks.int8 / 1e9);
      session.out().write(text);
      std::snprintf(text, sizeof(text), "%14.0f\n", row.peaks.bf16 / 1e9);
      session.out().write(row.peaks.bf16 > 0 ? text : "             -\n");
    }
    session.out().write("\nmodel                          size      fits            tokens/s, at most\n");
    for (const ModelRow& row : models_) {
      char text[200];
      std::snprintf(text, sizeof(text), "%-28s %8s      %-14s  %8.1f%s\n", row.name.c_str(),
                    human_bytes(row.size_bytes).c_str(), fits(row).c_str(),
                    best_read_rate() / static_cast<double>(row.size_bytes), row.is_here ? "   here" : "");
      session.out().write(text);
    }
    if (!faults_.empty()) session.out().write("\n");
    for (const std::string& fault : faults_) session.out().write(fault + '\n');
  }

  void write_json(Session& session, const kernels::KernelTable& table) {
    system::Json root;
    root.set("cpu", cpu_name());
    root.set("instructions", kernels::to_string(features_));
    root.set("isa", kernels::name_of(table.isa));
    root.set("kernels", table.name);
    root.set("usable_cores", system::usable_cores());
    root.set("cpus", std::thread::hardware_concurrency());
    root.set("memory_bytes", memory_.total_bytes);
    root.set("free_memory_bytes", memory_.available_bytes);
    root.set("home", session.home());
    root.set("free_disk_bytes", free_disk_bytes_);
    system::JsonArray threads;
    for (const ThreadRow& row : rows_) {
      threads.push_back(
          system::JsonObject{{"threads", row.n_threads},
                             {"read_bytes_per_second", row.read_rate},
                             {"f32_flops", row.peaks.f32},
                             {"int8_ops", row.peaks.int8},
                             {"bf16_flops", row.peaks.bf16 > 0 ? system::Json(row.peaks.bf16) : system::Json()}});
    }
    root.set("threads", std::move(threads));
    system::JsonArray models;
    for (const ModelRow& row : models_) {
      models.push_back(
          system::JsonObject{{"name", row.name},
                             {"here", row.is_here},
                             {"size_bytes", row.size_bytes},
                             {"fits", fits(row) == "yes"},
                             {"tokens_per_second_at_most", best_read_rate() / static_cast<double>(row.size_bytes)}});
    }
    root.set("models", std::move(models));
    system::JsonArray missing;
    for (const std::string& fault : faults_) missing.emplace_back(fault);
    root.set("missing", std::move(missing));
    session.out().write(root.dump(2) + '\n');
  }

  bool json_ = false;
  kernels::CpuFeatures features_;
  system::Memory memory_;
  uint64_t free_disk_bytes_ = 0;
  std::vector<ThreadRow> rows_;
  std::vector<ModelRow> models_;
  std::vector<std::string> faults_;
};

}  // namespace

Command doctor_command() {
  return {"doctor",
          "",
          "Show the machine as the engine sees it",
          "Instruction sets, cores, what they read and compute at most (measured, by number of threads), free memory, "
          "which "
          "models fit and how fast they could answer at most (a token reads all weights once), and what is missing.",
          "kinglet doctor\nkinglet doctor --json",
          make_action<Doctor>};
}

}  // namespace kinglet::cli
