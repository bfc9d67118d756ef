// kinglet bench: how fast a model runs here, beside what this machine can do at most.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "front/cli/commands/commands.h"
#include "front/cli/interrupt.h"
#include "front/cli/machine.h"
#include "front/cli/model_argument.h"
#include "home/system/memory.h"

namespace kinglet::cli {
namespace {

constexpr double kPeakSeconds = 0.2;
constexpr size_t kReadPasses = 5;

// What a step of a model reads and computes.
struct StepCosts {
  uint64_t weight_bytes = 0;  // of the weights that every step with logits reads
  uint64_t expert_bytes = 0;  // of all experts' weights
  double expert_share = 1;    // of its experts that one token is sent to
  uint64_t kv_bytes_per_token = 0;
  uint64_t body_products = 0;  // multiplications of a row with the weights, without the head
  uint64_t head_products = 0;
  bool in_int8 = false;  // the body's weights are quantized
  std::vector<std::span<const std::byte>> memory;
};

StepCosts costs_of(const models::Model& model) {
  StepCosts costs;
  const auto is_there = [&](std::string_view name) {
    return std::ranges::any_of(model.weights(), [&](const quant::Weight& weight) { return weight.name == name; });
  };
  const models::DecoderConfig& config = model.config();
  for (const models::LayerConfig& layer : config.layers) {
    if (layer.n_experts > 0)
      costs.expert_share = static_cast<double>(config.experts.n_used) / static_cast<double>(layer.n_experts);
  }
  const std::string_view head = is_there("output.weight") ? "output.weight" : "token_embd.weight";
  uint64_t quantized = 0;
  for (const quant::Weight& weight : model.weights()) {
    uint64_t n = weight.rows * weight.cols;  // multiplications of a row
    const uint64_t n_bytes = weight.size_bytes();
    if (weight.name == "token_embd.weight" && head != weight.name) continue;  // a row a token
    costs.memory.emplace_back(weight.data, n_bytes);
    const bool is_of_experts = weight.name.ends_with("_exps.weight");
    (is_of_experts ? costs.expert_bytes : costs.weight_bytes) += n_bytes;
    if (weight.rows == 1) continue;
    if (is_of_experts) n = static_cast<uint64_t>(static_cast<double>(n) * costs.expert_share);
    (weight.name == head ? costs.head_products : costs.body_products) += n;
    if (weight.name != head && weight.format->activation != quant::Activation::kF32) quantized += n;
  }
  costs.in_int8 = quantized * 2 > costs.body_products;
  return costs;
}

struct Test {
  std::string_view name;
  uint64_t n_tokens;
  uint64_t parallel;
  uint64_t depth;
  std::vector<double> rates;  // tokens a second, of each repetition
};

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double middle = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - middle) * (value - middle);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

class Bench final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("MODEL", model_, "A name, a GGUF file, or a Hugging Face folder").is_model = true;
    arguments.option("-p,--prompt", "N", n_prompt_,
                     "Tokens of the prompt whose prefill is measured; 0: none (default 512)");
    arguments.option("-n,--generate", "N", n_generate_, "Tokens whose decode is measured; 0: none (default 128)");
    arguments.option("--parallel", "N,...", parallel_, "Sequences that decode at once (default 1,4)");
    arguments.option("--depth", "N,...", depth_, "Tokens that are in the context before (default 0)");
    arguments.option("--repeat", "N", repeat_, "Repetitions of each test (default 5)");
    arguments.flag("--json", json_, "One JSON document a test, a line each");
  }

  void run(Session& session) override {
    check();
    const ModelSource source = find_model(session, model_);
    file_ = open_source(source);
    name_ = source.name;
    const uint64_t deepest = *std::ranges::max_element(depth_);
    const uint64_t most = *std::ranges::max_element(parallel_);
    chat::LoadOptions options;
    options.adapters = source.adapters;
    options.context_len = deepest + std::max(n_prompt_ + 1, n_generate_ + 2);
    options.max_sequences = most;
    options.kv_type = session.kv_type(kernels::KvType::kF16);
    chat::LoadedModel model(file_, options, session.table(), session.pool());
    costs_ = costs_of(model.model());
    costs_.kv_bytes_per_token = model.memory().kv_bytes / (model.context_len() * most);
    measure_limits(session);
    if (!json_) write_heading(session);
    for (const uint64_t depth : depth_) {
      if (n_prompt_ > 0) report(session, measure(model, {"prefill", n_prompt_, 1, depth, {}}));
      for (const uint64_t n : parallel_) {
        if (n_generate_ > 0)
          report(session, measure(model, {n == 1 ? "decode" : "parallel", n_generate_, n, depth, {}}));
      }
    }
  }

 private:
  void check() const {
    const auto refuse = [](std::string_view option, std::string_view why) {
      fail_with(ErrorCode::kInvalidArgument, option, ": ", why);
    };
    if (repeat_ == 0) refuse("--repeat", "0 repetitions measure nothing");
    if (repeat_ > 10'000) refuse("--repeat", "more than 10000");
    if (parallel_.empty() || std::ranges::any_of(parallel_, [](uint64_t n) { return n == 0 || n > 256; })) {
      refuse("--parallel", "each is between 1 and 256");
    }
    if (depth_.empty()) refuse("--depth", "is empty");
    const auto most = static_cast<uint64_t>(INT32_MAX);  // a context is never longer
    if (n_prompt_ > most) refuse("-p", str("more than ", most));
    if (n_generate_ > most) refuse("-n", str("more than ", most));
    if (*std::ranges::max_element(depth_) > most) refuse("--depth", str("more than ", most));
    if (n_prompt_ == 0 && n_generate_ == 0) refuse("-p", "with -n 0 too, nothing is measured");
  }

  void measure_limits(Session& session) {
    const kernels::PeakKernels loops = kernels::peak_kernels(kernels::detect(), session.table().isa);
    read_rate_ = measure_read(loops, costs_.memory, session.pool(), kReadPasses);
    peaks_ = measure_peaks(loops, session.pool(), kPeakSeconds);
  }

  // Ids that no other prompt begins with, so that nothing is found in the prefix cache by chance.
  std::vector<int32_t> random_prompt(uint64_t n, uint64_t vocab_size) {
    Philox random(++n_prompts_);
    std::vector<int32_t> ids;
    for (uint64_t i = 0; i < n; ++i) ids.push_back(static_cast<int32_t>(random.next_u32() % vocab_size));
    return ids;
  }

  static engine::Usage finish(engine::Generation& generation, const InterruptWatch& interrupt) {
    for (;;) {
      const auto event = generation.next_within(std::chrono::milliseconds(50));
      interrupt.check();
      if (event && event->finish) return event->usage;
    }
  }

  Test measure(chat::LoadedModel& model, Test test) {
    InterruptWatch interrupt;
    // The first one warms up.
    for (uint64_t i = 0; i <= repeat_; ++i) {
      const double rate =
          test.name == "prefill" ? prefill_rate(model, test, interrupt) : decode_rate(model, test, interrupt);
      if (i > 0) test.rates.push_back(rate);
    }
    return test;
  }

  double prefill_rate(chat::LoadedModel& model, const Test& test, const InterruptWatch& interrupt) {
    engine::Request request;
    request.prompt = random_prompt(test.depth + test.n_tokens, model.model().config().vocab_size);
    request.max_tokens = 0;
    if (test.depth > 0) {
      engine::Request before = request;
      before.prompt.resize(test.depth);
      finish(*model.engine().submit(std::move(before)), interrupt);
    }
    const engine::Usage usage = finish(*model.engine().submit(std::move(request)), interrupt);
    return static_cast<double>(usage.prompt_tokens - usage.cached_tokens) * 1000 / usage.prompt_ms;
  }

  double decode_rate(chat::LoadedModel& model, const Test& test, const InterruptWatch& interrupt) {
    std::vector<engine::Request> requests(test.parallel);
    for (engine::Request& request : requests) {
      request.prompt = random_prompt(std::max<uint64_t>(test.depth, 1), model.model().config().vocab_size);
      engine::Request before = request;
      before.max_tokens = 0;
      finish(*model.engine().submit(std::move(before)), interrupt);
      request.max_tokens = test.n_tokens + 1;  // the first comes with the prompt
    }
    std::vector<std::shared_ptr<engine::Generation>> running;
    for (engine::Request& request : requests) running.push_back(model.engine().submit(std::move(request)));
    double longest_ms = 0;
    for (const auto& generation : running) longest_ms = std::max(longest_ms, finish(*generation, interrupt).decode_ms);
    return static_cast<double>(test.n_tokens * test.parallel) * 1000 / longest_ms;
  }

  // Bytes that this test reads a second beside those that the machine can read.
  [[nodiscard]] double bandwidth_fraction(const Test& test) const {
    const double rate = mean(test.rates);
    const double middle = static_cast<double>(test.depth) + static_cast<double>(test.n_tokens) / 2;
    double bytes_per_token = static_cast<double>(costs_.kv_bytes_per_token) * middle;
    // A step of decode reads the weights once for all sequences; prefill once for each step of its rows.
    const double rows = test.name == "prefill" ? std::min(512.0, static_cast<double>(test.n_tokens))
                                               : static_cast<double>(test.parallel);
    if (test.name == "prefill") bytes_per_token /= rows;
    // Of its experts a step reads those that one of its rows is sent to: so many, where they are chosen evenly.
    const double of_experts = 1 - std::pow(1 - costs_.expert_share, rows);
    bytes_per_token +=
        (static_cast<double>(costs_.weight_bytes) + of_experts * static_cast<double>(costs_.expert_bytes)) / rows;
    return read_rate_ > 0 ? rate * bytes_per_token / read_rate_ : 0;
  }

  // Operations on weights a second beside the peak of the instruction that their format uses.
  [[nodiscard]] double peak_fraction(const Test& test) const {
    const double head = test.name == "prefill"
                            ? static_cast<double>(costs_.head_products) / static_cast<double>(test.n_tokens)
                            : static_cast<double>(costs_.head_products);
    const double ops = 2 * (static_cast<double>(costs_.body_products) + head) * mean(test.rates);
    const double peak = costs_.in_int8 ? peaks_.int8 : peaks_.f32;
    return peak > 0 ? ops / peak : 0;
  }

  void write_heading(Session& session) const {
    char limits[160];
    std::snprintf(limits, sizeof(limits), "reads %.1f GB/s, %s peak %.0f G%s/s", read_rate_ / 1e9,
                  costs_.in_int8 ? "int8" : "f32", (costs_.in_int8 ? peaks_.int8 : peaks_.f32) / 1e9,
                  costs_.in_int8 ? "OP" : "FLOP");
    session.out().write(str(name_, ": ", file_->file_bytes(), " bytes, ", session.table().name, ", ",
                            session.n_threads(), " threads, ", limits, '\n'));
    char line[160];
    std::snprintf(line, sizeof(line), "%-9s %8s %9s %7s %21s %10s %6s\n", "test", "tokens", "parallel", "depth",
                  "tokens/s", "bandwidth", "peak");
    session.out().write(line);
  }

  void report(Session& session, const Test& test) {
    if (json_) {
      system::Json line;
      line.set("test", test.name);
      line.set("n_tokens", test.n_tokens);
      line.set("parallel", test.parallel);
      line.set("depth", test.depth);
      line.set("tokens_per_second", mean(test.rates));
      line.set("stddev", deviation(test.rates));
      line.set("threads", session.n_threads());
      line.set("isa", kernels::name_of(session.table().isa));
      line.set("compute", "f32");
      line.set("model", name_);
      line.set("size_bytes", file_->file_bytes());
      line.set("peak_rss_bytes", system::peak_resident_bytes());
      line.set("bandwidth_fraction", bandwidth_fraction(test));
      line.set("peak_fraction", peak_fraction(test));
      session.out().write(line.dump() + '\n');
    } else {
      char line[200];
      std::snprintf(line, sizeof(line), "%-9s %8llu %9llu %7llu %12.2f +- %5.2f %9.1f%% %5.1f%%\n",
                    std::string(test.name).c_str(), static_cast<unsigned long long>(test.n_tokens),
                    static_cast<unsigned long long>(test.parallel), static_cast<unsigned long long>(test.depth),
                    mean(test.rates), deviation(test.rates), 100 * bandwidth_fraction(test), 100 * peak_fraction(test));
      session.out().write(line);
    }
    session.out().flush();
  }

  std::string model_;
  uint64_t n_prompt_ = 512;
  uint64_t n_generate_ = 128;
  std::vector<uint64_t> parallel_ = {1, 4};
  std::vector<uint64_t> depth_ = {0};
  uint64_t repeat_ = 5;
  bool json_ = false;

  std::shared_ptr<const format::ModelFile> file_;
  std::string name_;
  StepCosts costs_;
  ComputePeaks peaks_;
  double read_rate_ = 0;
  uint64_t n_prompts_ = 0;
};

}  // namespace

Command bench_command() {
  return {"bench",
          "",
          "Measure how fast a model runs here",
          "Prefill of a prompt, decode of one sequence, and decode of several at once (tokens of all together). The "
          "last columns "
          "compare with what the same threads can do at most, measured in the same run: the share of the bandwidth at "
          "which the "
          "weights and keys are read, and the share of the peak of the instruction that the weights' format uses.\n\n"
          "With --json a line a test: {\"test\" (prefill, decode or parallel), \"n_tokens\", \"parallel\", \"depth\", "
          "\"tokens_per_second\", \"stddev\", \"threads\", \"isa\", \"compute\", \"model\", \"size_bytes\", "
          "\"peak_rss_bytes\", "
          "\"bandwidth_fraction\", \"peak_fraction\"}.",
          "kinglet bench smollm2:135m\nkinglet bench ./model.gguf -p 0 -n 64 --parallel 1,2,8 --depth 0,2048 --json",
          make_action<Bench>};
}

}  // namespace kinglet::cli
