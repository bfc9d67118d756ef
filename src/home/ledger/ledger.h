// Facade of home/ledger: what left this device, in a table that only grows.
//
// Each row carries the hash of the row before it and its own, so a row that is changed, removed or put in between shows
// at verify(). A connection has two rows: one written before it is opened, so that no kill hides it, and one when it is
// over. The hashes do not stop somebody who rewrites the whole table; a copy of head() kept elsewhere does.
// Thread rules: a Ledger may be used from several threads, its file from several processes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "home/db/db.h"
#include "home/system/sha256.h"

namespace kinglet::ledger {

/// Why something left.
enum class Reason {
  kFetch,     ///< The owner asked for a model; no content of the user's.
  kEscalate,  ///< Content of the user's, for another model.
};
std::string_view name_of(Reason reason) noexcept;

/// What a row says. Bytes are those of HTTP, without TLS around them.
struct Record {
  Reason reason = Reason::kFetch;
  std::string host = {};
  uint16_t port = 0;
  std::string request = {};  ///< "GET /v2/library/smollm2/manifests/135m": without what follows a '?'.
  std::optional<system::Digest> content = {};  ///< Of the body that left; none left otherwise.
  int64_t opening_id = 0;                      ///< The row that this one ends; 0: it opens.
  uint64_t bytes_out = 0;
  uint64_t bytes_in = 0;
  std::string outcome = {};  ///< "opening"; "200" (the status), "failed: ...", "cancelled".
};

struct Entry {
  int64_t id = 0;       ///< From 1, without gaps.
  int64_t time_us = 0;  ///< Microseconds since 1970.
  Record record;
  system::Digest previous;
  system::Digest own;
};

/// Where the chain is broken.
struct Break {
  int64_t id = 0;
  std::string why;
};

class Ledger {
 public:
  /// The database outlives the ledger; it is opened at the first use.
  explicit Ledger(db::Database& database) : database_(database) {}

  /// Writes a row and returns its id. It is on the disk when this returns. Throws what a database throws.
  int64_t append(const Record& record);

  /// Gives the rows after `after_id`, oldest first, until `visit` returns false.
  void read(int64_t after_id, const std::function<bool(const Entry&)>& visit) const;

  /// Walks the chain; nullopt: it is whole.
  [[nodiscard]] std::optional<Break> verify() const;

  /// The own hash of the last row; nullopt: there is none.
  [[nodiscard]] std::optional<system::Digest> head() const;

 private:
  db::Database& database_;
};

}  // namespace kinglet::ledger
