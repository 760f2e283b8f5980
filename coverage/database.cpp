// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/database.hpp"

namespace kcov::coverage {
namespace {

// What went wrong last, for somebody who knows nothing of SQLite.
std::string reason(sqlite3* database) {
  switch (sqlite3_errcode(database) & 0xff) {
    case SQLITE_NOTADB: return "it is no recording (kcovtool trace -o makes one)";
    case SQLITE_CORRUPT: return "it is damaged or cut short";
    default: return sqlite3_errmsg(database);
  }
}

}  // namespace

Database::~Database() { close(); }

void Database::open(int flags) {
  // Many are read at once, each by one thread: nothing is shared but what these would have locked.
  static const int unlocked = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  (void)unlocked;
  const int result = sqlite3_open_v2(path_.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (result != SQLITE_OK) {
    fail(sqlite3_errstr(result));
    return;
  }
  // A recording grows while others look at it.
  constexpr int kWaitMilliseconds = 20'000;
  sqlite3_busy_timeout(handle_, kWaitMilliseconds);
  // What is in the file is not to run anything.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  run("PRAGMA cell_size_check = ON");
}

void Database::run(const char* sql) {
  if (failed_) return;
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(reason(handle_));
}

void Database::close() {
  sqlite3_close(handle_);
  handle_ = nullptr;
}

void Database::fail(const std::string& why) {
  if (failed_) return;
  failed_ = true;
  why_ = why;
}

Status Database::status(const char* doing) const {
  if (!failed_) return {};
  return Error{std::string("cannot ") + doing + " the recording " + path_ + ": " + why_};
}

Statement::Statement(Database& database, const char* sql) : database_(database) {
  if (database.failed()) return;
  if (sqlite3_prepare_v2(database.handle(), sql, -1, &handle_, nullptr) != SQLITE_OK)
    database.fail(reason(database.handle()));
}

bool Statement::next() {
  if (handle_ == nullptr || database_.failed()) return false;
  const int result = sqlite3_step(handle_);
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) database_.fail(reason(database_.handle()));
  return false;
}

std::string_view Statement::text(int column) const {
  const unsigned char* const text = sqlite3_column_text(handle_, column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

Bytes Statement::bytes(int column) const {
  const void* const bytes = sqlite3_column_blob(handle_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const std::uint8_t*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

}  // namespace kcov::coverage
