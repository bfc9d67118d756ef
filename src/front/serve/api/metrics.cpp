// GET /metrics: numbers of the server and of each model that is loaded. Source: Prometheus' text format, version 0.0.4.
#include <array>

#include "front/serve/api/routes.h"

namespace kinglet::serve {
namespace {

// Values of labels: backslash, quote and line break are written with a backslash.
std::string label_text(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return text;
}

class Page {
 public:
  void begin(std::string_view name, std::string_view kind, std::string_view help) {
    name_ = str("kinglet_", name);
    text_ += str("# HELP ", name_, " ", help, "\n# TYPE ", name_, " ", kind, "\n");
  }
  template <class Number>
  void value(const std::string& labels, Number number) {
    put(name_, labels, Json(number).dump());
  }
  void histogram(const std::string& labels, const engine::HistogramView& view) {
    uint64_t n = 0;
    for (size_t i = 0; i < view.counts.size(); ++i) {
      n += view.counts[i];
      const std::string bound =
          i < engine::kBucketSeconds.size() ? Json(engine::kBucketSeconds[i]).dump() : std::string("+Inf");
      put(name_ + "_bucket", str(labels, labels.empty() ? "" : ",", "le=\"", bound, "\""), std::to_string(n));
    }
    put(name_ + "_sum", labels, Json(view.sum_seconds).dump());
    put(name_ + "_count", labels, std::to_string(n));
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void put(std::string_view name, std::string_view labels, std::string_view number) {
    text_ += labels.empty() ? str(name, " ", number, "\n") : str(name, "{", labels, "} ", number, "\n");
  }

  std::string name_;
  std::string text_;
};

struct Row {
  const char* name;
  const char* kind;
  const char* help;
  uint64_t (*value)(const engine::EngineStats&);
};

using Stats = engine::EngineStats;
constexpr std::array kRows = {
    Row{"requests_waiting", "gauge", "Requests that wait for a place.",
        [](const Stats& s) -> uint64_t { return s.n_waiting; }},
    Row{"requests_running", "gauge", "Requests that are being answered.",
        [](const Stats& s) -> uint64_t { return s.n_running; }},
    Row{"requests_total", "counter", "Requests that were taken.", [](const Stats& s) { return s.n_submitted; }},
    Row{"requests_refused_total", "counter", "Requests refused as too many waited.",
        [](const Stats& s) { return s.n_refused; }},
    Row{"requests_failed_total", "counter", "Requests that ended by an error.",
        [](const Stats& s) { return s.n_failed; }},
    Row{"prompt_tokens_total", "counter", "Tokens of prompts.", [](const Stats& s) { return s.prompt_tokens; }},
    Row{"prompt_tokens_cached_total", "counter", "Of them, known already.",
        [](const Stats& s) { return s.cached_tokens; }},
    Row{"prefix_cache_hits_total", "counter", "Requests whose beginning was known.",
        [](const Stats& s) { return s.n_cache_hits; }},
    Row{"prefix_cache_evicted_pages_total", "counter", "Pages given up for others.",
        [](const Stats& s) { return s.n_evicted_pages; }},
    Row{"completion_tokens_total", "counter", "Tokens of answers.", [](const Stats& s) { return s.completion_tokens; }},
    Row{"steps_total", "counter", "Runs of the model.", [](const Stats& s) { return s.n_steps; }},
    Row{"step_sequences_total", "counter", "Sequences of all runs; by steps: the mean batch.",
        [](const Stats& s) { return s.n_step_sequences; }},
    Row{"step_rows_total", "counter", "Tokens of all runs.", [](const Stats& s) { return s.n_step_rows; }},
    Row{"kv_pages_used", "gauge", "Pages of keys and values in use.",
        [](const Stats& s) -> uint64_t { return s.kv_pages_used; }},
    Row{"kv_pages", "gauge", "Pages of keys and values.", [](const Stats& s) -> uint64_t { return s.kv_pages_total; }},
};

struct HistogramRow {
  const char* name;
  const char* help;
  engine::HistogramView Stats::* view;
};
constexpr std::array kHistograms = {
    HistogramRow{"queue_seconds", "From a request to its place.", &Stats::queue},
    HistogramRow{"first_token_seconds", "From a request to its first token.", &Stats::first_token},
    HistogramRow{"between_tokens_seconds", "Between two tokens of an answer.", &Stats::between_tokens},
    HistogramRow{"step_seconds", "Of a run of the model.", &Stats::steps},
};

void put_server(const http::Statistics& now, Page& page) {
  const auto one = [&](const char* name, const char* kind, const char* help, uint64_t value) {
    page.begin(name, kind, help);
    page.value("", value);
  };
  one("http_connections", "gauge", "Connections that are open.", now.n_connections_now);
  one("http_requests", "gauge", "Requests that are on their way.", now.n_requests_now);
  one("http_requests_total", "counter", "Requests with a sound head.", now.n_requests);
  one("http_malformed_total", "counter", "Requests that break the rules of HTTP.", now.n_malformed);
  one("http_busy_total", "counter", "Requests refused as all workers were taken.", now.n_busy);
  one("http_client_gone_total", "counter", "Clients that left before the end.", now.n_client_gone);
  one("http_timeouts_total", "counter", "Clients that took too long.", now.n_timeouts);
  one("http_bytes_in_total", "counter", "Bytes that were read.", now.n_bytes_in);
  one("http_bytes_out_total", "counter", "Bytes that were written.", now.n_bytes_out);
}

http::Response handle(RequestContext& context) {
  Page page;
  const std::vector<chat::ResidentModel> models = context.services.host.list();
  const auto labels_of = [](const chat::ResidentModel& model) { return str("model=\"", label_text(model.name), "\""); };
  page.begin("models_loaded", "gauge", "Models that are loaded or on their way.");
  page.value("", models.size());
  page.begin("model_bytes", "gauge", "What a model holds.");
  for (const auto& model : models) page.value(labels_of(model), model.memory.total());
  for (const Row& row : kRows) {
    page.begin(row.name, row.kind, row.help);
    for (const auto& model : models) {
      if (model.stats) page.value(labels_of(model), row.value(*model.stats));
    }
  }
  for (const HistogramRow& row : kHistograms) {
    page.begin(row.name, "histogram", row.help);
    for (const auto& model : models) {
      if (model.stats) page.histogram(labels_of(model), (*model.stats).*row.view);
    }
  }
  if (context.services.server != nullptr) put_server(context.services.server->statistics(), page);
  http::Response made;
  made.headers.emplace_back("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  made.body = page.take();
  return made;
}

}  // namespace

Endpoint metrics() {
  Endpoint made = plain_endpoint("GET", "/metrics", Dialect::kOpenAi, "Numbers, as Prometheus reads them.", handle);
  made.is_urgent = true;
  return made;
}

}  // namespace kinglet::serve
