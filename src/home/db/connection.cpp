#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>
#include <utility>

#include "core/base/base.h"
#include "home/db/db.h"
#include "home/system/file.h"
#include "home/system/folder.h"

namespace kinglet::db {
namespace {

constexpr int kBusyTimeoutMs = 20'000;

// SQLite's own handler sleeps longer each time, so that a process which writes without a pause shuts others out.
int wait_for_turn(void* /*context*/, int n_waits) {
  constexpr auto kWait = std::chrono::milliseconds(1);
  if (n_waits >= kBusyTimeoutMs) return 0;
  std::this_thread::sleep_for(kWait);
  return 1;
}

// WAL is chosen under a lock of its own, which does not ask the busy handler.
void choose_wal(sqlite3* handle) {
  constexpr int kTries = 400;
  for (int i = 0; i < kTries; ++i) {
    const int code = sqlite3_exec(handle, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
    if ((code & 0xFF) != SQLITE_BUSY && (code & 0xFF) != SQLITE_LOCKED) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(kBusyTimeoutMs / kTries));
  }
}

// Makes it with the rights of its owner alone, which SQLite gives its other files as well. Closing any descriptor of
// the file takes away the locks that SQLite holds on it in this process, so it is never opened here: it is made under
// another name, and gets its own once it is closed.
void make_file(const std::string& path) {
  if (system::facts_of(path)) return;
  std::string temporary;
  {
    system::NewFile made = system::make_temporary(path);
    if (::fchmod(made.file.get(), 0600) != 0) system::fail_write(made.path, errno);
    temporary = std::move(made.path);
  }
  const int failed = ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE);
  const int why = errno;
  if (failed == 0) return;
  ::unlink(temporary.c_str());
  if (why != EEXIST) system::fail_write(path, why);  // else another one has made it
}

}  // namespace

Connection::Connection(const std::string& path) : path_(path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) system::make_folders(folder.string());
  make_file(path);
  const int code = sqlite3_open_v2(path.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  try {
    if (code != SQLITE_OK) fail_with_code(code, "cannot be opened");
    sqlite3_extended_result_codes(handle_, 1);
    sqlite3_busy_handler(handle_, wait_for_turn, nullptr);
    choose_wal(handle_);
    run("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF");
  } catch (...) {
    sqlite3_close_v2(handle_);
    throw;
  }
}

Connection::~Connection() {
  for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

void Connection::fail_with_code(int code, std::string_view doing) const {
  const std::string why = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  switch (code & 0xFF) {
    case SQLITE_FULL:
      fail_with(ErrorCode::kNoSpace, path_, ": ", doing, ": the disk is full");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      fail_with(ErrorCode::kInvalidFile, path_, ": ", doing, ": the database is damaged (", why,
                "); move the file away to begin a new one");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      fail_with(ErrorCode::kIo, path_, ": ", doing, ": another process has held it for ", kBusyTimeoutMs / 1000,
                " seconds");
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_NOLFS:
      fail_with(ErrorCode::kIo, path_, ": ", doing, ": ", why);
    case SQLITE_NOMEM:
      fail_with(ErrorCode::kOutOfMemory, path_, ": ", doing, ": ", why);
    default:
      fail_with(ErrorCode::kInternal, path_, ": ", doing, ": ", why);
  }
}

sqlite3_stmt* Connection::compile(std::string_view sql, std::string_view* rest) {
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), 0, &statement, &tail);
  if (code != SQLITE_OK) fail_with_code(code, str("\"", sql, "\""));
  if (rest != nullptr) *rest = sql.substr(static_cast<size_t>(tail - sql.data()));
  return statement;
}

Statement Connection::prepare(std::string_view sql) {
  if (const auto found = idle_.find(sql); found != idle_.end()) {
    sqlite3_stmt* statement = found->second;
    std::string text = found->first;
    idle_.erase(found);
    return {*this, std::move(text), statement};
  }
  sqlite3_stmt* statement = compile(sql, nullptr);
  return {*this, std::string(sql), statement};
}

void Connection::run(std::string_view sql) {
  while (!sql.empty()) {
    sqlite3_stmt* statement = compile(sql, &sql);
    if (statement != nullptr) Statement(*this, "", statement).run();  // null: only space was left
  }
}

Statement::Statement(Connection& connection, std::string sql, sqlite3_stmt* handle)
    : connection_(&connection), sql_(std::move(sql)), handle_(handle) {}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_), sql_(std::move(other.sql_)), handle_(std::exchange(other.handle_, nullptr)) {}

Statement::~Statement() {
  if (handle_ == nullptr) return;
  if (sql_.empty()) {
    sqlite3_finalize(handle_);
    return;
  }
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  connection_->idle_.emplace(std::move(sql_), handle_);
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  const std::string sql = sqlite3_sql(handle_);
  sqlite3_reset(handle_);
  connection_->fail_with_code(code, str("\"", sql, "\""));
}

void Statement::run() {
  while (step()) {
  }
  sqlite3_reset(handle_);
}

void Statement::bind_one(int idx, int64_t value) {
  KINGLET_CHECK(sqlite3_bind_int64(handle_, idx, value) == SQLITE_OK, "a parameter that the statement has not");
}
void Statement::bind_one(int idx, double value) {
  KINGLET_CHECK(sqlite3_bind_double(handle_, idx, value) == SQLITE_OK, "a parameter that the statement has not");
}
void Statement::bind_one(int idx, std::nullptr_t /*value*/) {
  KINGLET_CHECK(sqlite3_bind_null(handle_, idx) == SQLITE_OK, "a parameter that the statement has not");
}
void Statement::bind_one(int idx, std::string_view value) {
  const int code = sqlite3_bind_text64(handle_, idx, value.data() != nullptr ? value.data() : "", value.size(),
                                       SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) connection_->fail_with_code(code, "a text is too long");
}
void Statement::bind_one(int idx, std::span<const std::byte> value) {
  const void* data = value.empty() ? static_cast<const void*>("") : value.data();
  const int code = sqlite3_bind_blob64(handle_, idx, data, value.size(), SQLITE_TRANSIENT);
  if (code != SQLITE_OK) connection_->fail_with_code(code, "a value is too long");
}

int64_t Statement::integer(int idx) const { return sqlite3_column_int64(handle_, idx); }
double Statement::real(int idx) const { return sqlite3_column_double(handle_, idx); }
std::string_view Statement::text(int idx) const {
  const unsigned char* data = sqlite3_column_text(handle_, idx);
  return {reinterpret_cast<const char*>(data), static_cast<size_t>(sqlite3_column_bytes(handle_, idx))};
}
std::span<const std::byte> Statement::bytes(int idx) const {
  const void* data = sqlite3_column_blob(handle_, idx);
  return {static_cast<const std::byte*>(data), static_cast<size_t>(sqlite3_column_bytes(handle_, idx))};
}
bool Statement::is_null(int idx) const { return sqlite3_column_type(handle_, idx) == SQLITE_NULL; }

Transaction::Transaction(Connection& connection, Access access) : connection_(connection) {
  connection.run(access == Access::kRead ? "BEGIN" : "BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  // A full disk has ended the transaction already; that its end is refused then says nothing new.
  if (open_) sqlite3_exec(connection_.handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  connection_.run("COMMIT");
  open_ = false;
}

}  // namespace kinglet::db
