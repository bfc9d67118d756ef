#include <utility>

#include "core/base/base.h"
#include "home/db/db.h"

namespace kinglet::db {
namespace {

// Steps that the file has had.
size_t n_steps_done(Connection& connection, const Schema& schema) {
  Statement table = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema_steps'");
  if (!table.step()) return 0;
  Statement row = connection.prepare("SELECT n_steps FROM schema_steps WHERE name = ?1");
  return row.bind(schema.name).step() ? static_cast<size_t>(row.integer(0)) : 0;
}

void bring_up_to_date(Connection& connection, const Schema& schema, const std::string& path) {
  // Asked before the one writer's place is taken, as nearly always nothing is missing.
  if (n_steps_done(connection, schema) == schema.steps.size()) return;
  Transaction transaction(connection);
  connection.run("CREATE TABLE IF NOT EXISTS schema_steps (name TEXT PRIMARY KEY, n_steps INTEGER NOT NULL)");
  const size_t n_done = n_steps_done(connection, schema);
  if (n_done > schema.steps.size()) {
    fail_with(ErrorCode::kUnsupported, path, ": was written by a newer Kinglet (", schema.name, " has ", n_done,
              " steps, this program knows ", schema.steps.size(), "); use that one");
  }
  if (n_done == schema.steps.size()) return;
  for (const std::string_view step : schema.steps.subspan(n_done)) connection.run(step);
  connection.prepare("INSERT INTO schema_steps VALUES (?1, ?2) ON CONFLICT(name) DO UPDATE SET n_steps = ?2")
      .bind(schema.name, static_cast<int64_t>(schema.steps.size()))
      .run();
  transaction.commit();
}

}  // namespace

Database::Database(std::string path) : path_(std::move(path)) {}
Database::~Database() = default;

Database::Lease Database::connect(const Schema& schema) {
  std::unique_ptr<Connection> connection;
  bool up_to_date = false;
  {
    const MutexLock lock(mutex_);
    up_to_date = up_to_date_.contains(schema.name);
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!connection) connection.reset(new Connection(path_));
  Lease lease(*this, std::move(connection));
  if (!up_to_date) {
    bring_up_to_date(*lease, schema, path_);
    const MutexLock lock(mutex_);
    up_to_date_.emplace(schema.name);
  }
  return lease;
}

Database::Lease::Lease(Database& database, std::unique_ptr<Connection> connection)
    : database_(&database), connection_(std::move(connection)) {}
Database::Lease::Lease(Lease&&) noexcept = default;
Database::Lease::~Lease() {
  if (!connection_) return;
  const MutexLock lock(database_->mutex_);
  database_->idle_.push_back(std::move(connection_));
}

}  // namespace kinglet::db
