// Facade of home/db: the one user of SQLite.
//
// Database is a file that any number of threads and processes use; a thread borrows a Connection from it, prepares
// Statements there and groups changes in a Transaction. Each room that keeps something describes its tables as a
// Schema: a list of steps, of which the missing ones are applied. WAL, every commit synced: a kill loses what was not
// committed and nothing else. Thread rules: a Database may be shared; a Connection, with its Statements and
// Transactions, belongs to one thread at a time. A child process after fork() opens its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/mutex.h"

struct sqlite3;
struct sqlite3_stmt;

namespace kinglet::db {

class Connection;

/// A prepared statement; gives itself back to its connection. Movable.
class Statement {
 public:
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;

  /// Gives the parameters ?1, ?2, ... their values, all of them: integers, double, text, bytes, nullptr.
  template <class... Values>
  Statement& bind(const Values&... values) {
    int idx = 0;
    (bind_one(++idx, values), ...);
    return *this;
  }

  /// Goes on to the next row; false behind the last one. Throws Error{kNoSpace, kIo or kInvalidFile}.
  bool step();
  /// Runs a statement whose rows nobody wants.
  void run();

  /// Column `idx` of the current row, from 0. Views live until the next step.
  [[nodiscard]] int64_t integer(int idx) const;
  [[nodiscard]] double real(int idx) const;
  [[nodiscard]] std::string_view text(int idx) const;
  [[nodiscard]] std::span<const std::byte> bytes(int idx) const;
  [[nodiscard]] bool is_null(int idx) const;

 private:
  friend class Connection;
  Statement(Connection& connection, std::string sql, sqlite3_stmt* handle);

  void bind_one(int idx, int64_t value);
  void bind_one(int idx, double value);
  void bind_one(int idx, std::string_view value);
  void bind_one(int idx, std::span<const std::byte> value);
  void bind_one(int idx, std::nullptr_t value);

  Connection* connection_;
  std::string sql_;
  sqlite3_stmt* handle_;
};

/// One thread's way into a database.
class Connection {
 public:
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Statements are kept and prepared once. Throws Error{kInternal} for SQL that is wrong.
  Statement prepare(std::string_view sql);
  /// Runs statements without parameters, separated by ';'.
  void run(std::string_view sql);

 private:
  friend class Database;
  friend class Statement;
  friend class Transaction;
  explicit Connection(const std::string& path);
  [[noreturn]] void fail_with_code(int code, std::string_view doing) const;
  sqlite3_stmt* compile(std::string_view sql, std::string_view* rest);

  std::string path_;
  sqlite3* handle_ = nullptr;
  std::multimap<std::string, sqlite3_stmt*, std::less<>> idle_;
};

enum class Access {
  kRead,   ///< All statements see the database as the first one did; nobody waits.
  kWrite,  ///< Taken as the one writer from the start, so what it reads stays true until commit().
};

/// Statements that see one state of the database, and changes that become visible together.
class Transaction {
 public:
  explicit Transaction(Connection& connection, Access access = Access::kWrite);
  /// Takes everything back unless commit() was called.
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Connection& connection_;
  bool open_ = true;
};

/// The tables of one room. `steps` only ever grows at its end: a file knows how many it has had.
struct Schema {
  std::string_view name;
  std::span<const std::string_view> steps;
};

class Database {
 public:
  /// Nothing is opened or made yet.
  explicit Database(std::string path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// A connection for this thread, given back when the lease ends. Before the database ends.
  class Lease {
   public:
    Lease(Database& database, std::unique_ptr<Connection> connection);
    ~Lease();
    Lease(Lease&&) noexcept;
    Lease& operator=(Lease&&) = delete;
    Connection& operator*() const noexcept { return *connection_; }
    Connection* operator->() const noexcept { return connection_.get(); }

   private:
    Database* database_;
    std::unique_ptr<Connection> connection_;
  };

  /// Opens (and makes) the file, readable by this user alone, and brings the schema up to date. Throws Error{kIo,
  /// kNoSpace}, kInvalidFile for a damaged file, kUnsupported for one that a newer program wrote.
  Lease connect(const Schema& schema);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_ GUARDED_BY(mutex_);
  std::set<std::string, std::less<>> up_to_date_ GUARDED_BY(mutex_);
};

}  // namespace kinglet::db
