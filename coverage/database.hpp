// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The little of SQLite that recordings need. The first failure is kept, and what follows it
// does nothing.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "support/result.hpp"

namespace kcov::coverage {

using Bytes = std::span<const std::uint8_t>;

class Database {
 public:
  explicit Database(std::string path) : path_(std::move(path)) {}
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void open(int flags);
  void run(const char* sql);
  void close();
  // The first one: "cannot write the recording run.kcov: disk I/O error".
  void fail(const std::string& why);
  bool failed() const { return failed_; }
  Status status(const char* doing) const;

  sqlite3* handle() const { return handle_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  sqlite3* handle_ = nullptr;
  bool failed_ = false;
  std::string why_;
};

// A statement, to be run any number of times.
class Statement {
 public:
  Statement(Database& database, const char* sql);
  ~Statement() { sqlite3_finalize(handle_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Binds the values, which are not copied and need not be there afterwards, and runs it.
  template <class... Values>
  void run(const Values&... values) {
    if (handle_ == nullptr || database_.failed()) return;
    int place = 0;
    keeps_ = SQLITE_STATIC;
    (bind(++place, values), ...);
    while (next()) {
    }
    sqlite3_reset(handle_);
    sqlite3_clear_bindings(handle_);
  }

  // Binds the values, for next() to begin anew.
  template <class... Values>
  void ask(const Values&... values) {
    if (handle_ == nullptr || database_.failed()) return;
    sqlite3_reset(handle_);
    int place = 0;
    keeps_ = SQLITE_TRANSIENT;
    (bind(++place, values), ...);
  }

  // To the next row: false at the end, and when it fails.
  bool next();
  std::int64_t integer(int column) const { return sqlite3_column_int64(handle_, column); }
  bool is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }
  std::string_view text(int column) const;
  Bytes bytes(int column) const;

 private:
  void bind(int place, std::nullptr_t) { sqlite3_bind_null(handle_, place); }
  // Else a text is a pointer, and that a bool.
  void bind(int place, const char* value) { bind(place, std::string_view(value)); }
  void bind(int place, bool value) { sqlite3_bind_int(handle_, place, value); }
  void bind(int place, int value) { sqlite3_bind_int(handle_, place, value); }
  void bind(int place, std::uint32_t value) { sqlite3_bind_int64(handle_, place, value); }
  void bind(int place, std::int64_t value) { sqlite3_bind_int64(handle_, place, value); }
  void bind(int place, std::uint64_t value) {
    sqlite3_bind_int64(handle_, place, static_cast<std::int64_t>(value));
  }
  // What is no UTF-8 is kept as bytes.
  void bind(int place, std::string_view value) {
    sqlite3_bind_text64(handle_, place, value.data(), value.size(), keeps_, SQLITE_UTF8);
  }
  void bind(int place, const std::string& value) { bind(place, std::string_view(value)); }
  void bind(int place, Bytes value) {
    sqlite3_bind_blob64(handle_, place, value.data(), value.size(), keeps_);
  }
  template <class T>
  void bind(int place, const std::optional<T>& value) {
    value ? bind(place, *value) : bind(place, nullptr);
  }

  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
  // Whether a text that is bound is copied, or stays where it is for as long as it is used.
  sqlite3_destructor_type keeps_ = SQLITE_TRANSIENT;
};

}  // namespace kcov::coverage
