// kinglet list: the models that are here.
#include <algorithm>
#include <array>
#include <ctime>

#include "front/cli/commands/commands.h"
#include "front/cli/human.h"
#include "front/cli/session.h"
#include "home/store/store.h"

namespace kinglet::cli {
namespace {

std::string_view name_of(store::Place place) {
  switch (place) {
    case store::Place::kOwn:
      return "kinglet";
    case store::Place::kOllama:
      return "ollama";
    case store::Place::kHuggingFaceCache:
      return "huggingface";
  }
  return "";
}

// "3 weeks ago".
std::string age(int64_t then) {
  const auto seconds = static_cast<int64_t>(std::time(nullptr)) - then;
  const auto ago = [](int64_t n, std::string_view unit) { return str(n, ' ', unit, n == 1 ? "" : "s", " ago"); };
  if (then == 0) return "";
  if (seconds < 60) return "just now";
  if (seconds < 3600) return ago(seconds / 60, "minute");
  if (seconds < 86400) return ago(seconds / 3600, "hour");
  if (seconds < 14 * 86400) return ago(seconds / 86400, "day");
  if (seconds < 61 * 86400) return ago(seconds / (7 * 86400), "week");
  if (seconds < 730 * 86400LL) return ago(seconds / (30 * 86400), "month");
  return ago(seconds / (365 * 86400), "year");
}

class List final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.optional_argument("PREFIX", prefix_, "Only names that begin so");
    arguments.flag("--json", json_, "One JSON document, an array");
  }

  void run(Session& session) override {
    std::vector<store::StoredModel> models = session.store().list();
    if (prefix_)
      std::erase_if(models, [&](const auto& model) { return !model.name.to_string().starts_with(*prefix_); });
    json_ ? write_json(session, models) : write_table(session, models);
  }

 private:
  static void write_json(Session& session, const std::vector<store::StoredModel>& models) {
    system::JsonArray rows;
    for (const store::StoredModel& model : models) {
      system::Json row;
      row.set("name", model.name.to_string());
      row.set("id", model.id);
      row.set("size_bytes", model.size_bytes);
      row.set("modified", model.modified_s);
      row.set("place", name_of(model.place));
      row.set("path", model.weights_path);
      if (!model.damage.empty()) row.set("damage", model.damage);
      rows.push_back(std::move(row));
    }
    session.out().write(system::Json(std::move(rows)).dump(2) + '\n');
  }

  static void write_table(Session& session, const std::vector<store::StoredModel>& models) {
    std::vector<std::array<std::string, 5>> rows{{"NAME", "ID", "SIZE", "MODIFIED", "PLACE"}};
    for (const store::StoredModel& model : models) {
      const std::string when = model.damage.empty() ? age(model.modified_s) : "damaged: " + model.damage;
      rows.push_back({model.name.to_string(), model.id.empty() ? "-" : model.id, human_bytes(model.size_bytes), when,
                      std::string(name_of(model.place))});
    }
    std::array<size_t, 5> widths{};
    for (const auto& row : rows) {
      for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows) {
      std::string line;
      for (size_t i = 0; i < row.size(); ++i) {
        line += row[i];
        if (i + 1 < row.size()) line += std::string(widths[i] - row[i].size() + 4, ' ');
      }
      session.out().write(line + '\n');
    }
    if (models.empty()) session.note("kinglet: there is no model yet; `kinglet pull smollm2:135m` gets a small one");
  }

  std::optional<std::string> prefix_;
  bool json_ = false;
};

}  // namespace

Command list_command() {
  return {"list",
          "ls",
          "List the models that are here",
          "PLACE says whose they are: our own, those of an Ollama store, or those of a Hugging Face cache, which are "
          "used where "
          "they lie.",
          "kinglet list\nkinglet ls smollm2 --json",
          make_action<List>};
}

}  // namespace kinglet::cli
