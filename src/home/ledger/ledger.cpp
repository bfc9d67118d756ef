#include "home/ledger/ledger.h"

#include <algorithm>
#include <array>

#include "core/base/base.h"
#include "home/system/clock.h"

namespace kinglet::ledger {
namespace {

using system::Digest;
using system::Sha256;

constexpr std::array<std::string_view, 1> kSteps = {R"sql(
  CREATE TABLE ledger (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time_us INTEGER NOT NULL,
    reason TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    request TEXT NOT NULL,
    content BLOB,
    opening_id INTEGER NOT NULL,
    bytes_out INTEGER NOT NULL,
    bytes_in INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    previous BLOB NOT NULL,
    own BLOB NOT NULL
  );
  CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
  CREATE TRIGGER ledger_is_not_shortened BEFORE DELETE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
)sql"};
constexpr db::Schema kSchema = {"ledger", kSteps};

constexpr std::string_view kColumns =
    "SELECT id, time_us, reason, host, port, request, content, opening_id, bytes_out, bytes_in, outcome, previous, own "
    "FROM ledger ";

constexpr Digest kBeforeTheFirst{std::array<uint8_t, Digest::kBytes>{}};

std::span<const std::byte> bytes_of(const Digest& digest) { return std::as_bytes(std::span(digest.bytes())); }

std::optional<Digest> to_digest(std::span<const std::byte> bytes) {
  std::array<uint8_t, Digest::kBytes> copy{};
  if (bytes.size() != copy.size()) return std::nullopt;
  std::ranges::transform(bytes, copy.begin(), [](std::byte b) { return static_cast<uint8_t>(b); });
  return Digest(copy);
}

// The hash of a row: of the hash before it and of its fields, each behind its length, so that no two rows read alike.
Digest hash_of(const Digest& previous, int64_t id, int64_t time_us, const Record& record) {
  Sha256 sum;
  sum.add("kinglet ledger 1\n");
  sum.add(bytes_of(previous));
  const auto add = [&](std::string_view field) {
    sum.add(str(field.size(), ':'));
    sum.add(field);
  };
  add(str(id));
  add(str(time_us));
  add(name_of(record.reason));
  add(record.host);
  add(str(record.port));
  add(record.request);
  add(record.content ? record.content->hex() : "");
  add(str(record.opening_id));
  add(str(record.bytes_out));
  add(str(record.bytes_in));
  add(record.outcome);
  return sum.finish();
}

std::optional<Reason> reason_of(std::string_view name) {
  for (const Reason reason : {Reason::kFetch, Reason::kEscalate}) {
    if (name_of(reason) == name) return reason;
  }
  return std::nullopt;
}

// Nullopt for a row that no program of ours has written.
std::optional<Entry> read_row(const db::Statement& row) {
  const auto reason = reason_of(row.text(2));
  const auto previous = to_digest(row.bytes(11));
  const auto own = to_digest(row.bytes(12));
  const auto content = to_digest(row.bytes(6));
  if (!reason || !previous || !own || (!content && !row.is_null(6))) return std::nullopt;
  Record record{.reason = *reason,
                .host = std::string(row.text(3)),
                .port = static_cast<uint16_t>(row.integer(4)),
                .request = std::string(row.text(5)),
                .content = content,
                .opening_id = row.integer(7),
                .bytes_out = static_cast<uint64_t>(row.integer(8)),
                .bytes_in = static_cast<uint64_t>(row.integer(9)),
                .outcome = std::string(row.text(10))};
  return Entry{row.integer(0), row.integer(1), std::move(record), *previous, *own};
}

struct Last {
  int64_t id = 0;
  Digest own = kBeforeTheFirst;
};

Last read_last(db::Connection& connection) {
  db::Statement statement = connection.prepare("SELECT id, own FROM ledger ORDER BY id DESC LIMIT 1");
  if (!statement.step()) return {};
  const auto own = to_digest(statement.bytes(1));
  if (!own) fail_with(ErrorCode::kInvalidFile, "the ledger is damaged: row ", statement.integer(0), " has no hash");
  return {statement.integer(0), *own};
}

}  // namespace

std::string_view name_of(Reason reason) noexcept { return reason == Reason::kFetch ? "fetch" : "escalate"; }

int64_t Ledger::append(const Record& record) {
  const db::Database::Lease connection = database_.connect(kSchema);
  db::Transaction transaction(*connection);
  const Last last = read_last(*connection);
  const int64_t id = last.id + 1;
  const int64_t time_us = system::now_us();
  const Digest own = hash_of(last.own, id, time_us, record);
  db::Statement insert = connection->prepare(
      "INSERT INTO ledger VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULLIF(?7, x''), ?8, ?9, ?10, ?11, ?12, ?13)");
  insert
      .bind(id, time_us, name_of(record.reason), record.host, int64_t{record.port}, record.request,
            record.content ? bytes_of(*record.content) : std::span<const std::byte>(), record.opening_id,
            static_cast<int64_t>(record.bytes_out), static_cast<int64_t>(record.bytes_in), record.outcome,
            bytes_of(last.own), bytes_of(own))
      .run();
  transaction.commit();
  return id;
}

void Ledger::read(int64_t after_id, const std::function<bool(const Entry&)>& visit) const {
  const db::Database::Lease connection = database_.connect(kSchema);
  db::Statement rows = connection->prepare(str(kColumns, "WHERE id > ?1 ORDER BY id"));
  rows.bind(after_id);
  while (rows.step()) {
    const auto entry = read_row(rows);
    if (!entry) fail_with(ErrorCode::kInvalidFile, "the ledger is damaged: row ", rows.integer(0), " cannot be read");
    if (!visit(*entry)) return;
  }
}

std::optional<Break> Ledger::verify() const {
  const db::Database::Lease connection = database_.connect(kSchema);
  const db::Transaction transaction(*connection, db::Access::kRead);
  Last last;
  db::Statement rows = connection->prepare(str(kColumns, "ORDER BY id"));
  while (rows.step()) {
    const auto entry = read_row(rows);
    const int64_t id = rows.integer(0);
    if (id != last.id + 1) return Break{last.id + 1, str("is missing: row ", id, " follows row ", last.id)};
    if (!entry) return Break{id, "cannot be read"};
    if (entry->previous != last.own) return Break{id, "does not follow from the row before it"};
    if (hash_of(last.own, id, entry->time_us, entry->record) != entry->own) return Break{id, "was changed"};
    last = {id, entry->own};
  }
  db::Statement counter = connection->prepare("SELECT seq FROM sqlite_sequence WHERE name = 'ledger'");
  const int64_t n_written = counter.step() ? counter.integer(0) : 0;
  if (n_written != last.id) return Break{last.id + 1, str("is missing: ", n_written, " rows were written")};
  return std::nullopt;
}

std::optional<Digest> Ledger::head() const {
  const db::Database::Lease connection = database_.connect(kSchema);
  const Last last = read_last(*connection);
  return last.id > 0 ? std::optional(last.own) : std::nullopt;
}

}  // namespace kinglet::ledger
