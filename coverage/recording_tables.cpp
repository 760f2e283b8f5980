// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/recording_tables.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <utility>

#include "support/files.hpp"

namespace fs = std::filesystem;

namespace kcov::coverage {
namespace {

constexpr int kApplication = 0x6b636f76;  // "kcov"
constexpr int kVersion = 2;

constexpr const char* kCommonTables = R"(
  PRAGMA journal_mode = DELETE;
  PRAGMA synchronous = OFF;
  BEGIN;
  CREATE TABLE recording (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE pcs (first INTEGER PRIMARY KEY, count INTEGER, data BLOB);
  CREATE TABLE locations (pc INTEGER PRIMARY KEY, symbol TEXT, symbol_offset INTEGER,
                          is_call_site INTEGER);
  CREATE TABLE frames (pc INTEGER, depth INTEGER, function TEXT, file TEXT, line INTEGER,
                       inlined INTEGER, declared_in TEXT, PRIMARY KEY (pc, depth)) WITHOUT ROWID;
  CREATE TABLE modules (name TEXT, start INTEGER, size INTEGER, build_id TEXT);
)";

// The location that a column names, or null.
symbol::Location* location(Statement& rows, int column, symbol::Locations& locations) {
  const auto number = static_cast<std::uint64_t>(rows.integer(column));
  return number < locations.size() ? &locations[number] : nullptr;
}

// For take_names(), with what more is asked.
std::string frames_query(Database& database, const char* more) {
  Statement version(database, "PRAGMA user_version");
  const bool has_declarations = version.next() && version.integer(0) >= 2;
  return fmt::format("SELECT pc, function, file, line, inlined, {} FROM frames {}",
                     has_declarations ? "declared_in" : "''", more);
}

// Takes the rows of both tables. They are in order of PCs, and of depth.
bool take_names(Database& database, Statement& symbols, Statement& rows, symbol::Names& names,
                symbol::Locations& locations) {
  while (symbols.next()) {
    symbol::Location* const named = location(symbols, 0, locations);
    if (named == nullptr) return damaged(database, "locations");
    named->symbol = names.keep(symbols.text(1));
    named->symbol_offset = static_cast<std::uint64_t>(symbols.integer(2));
    named->is_call_site = symbols.integer(3) != 0;
  }
  std::vector<symbol::Frame> frames;
  symbol::Location* of = nullptr;
  const auto keep = [&] {
    if (of != nullptr) of->frames = names.keep(frames);
    frames.clear();
  };
  while (rows.next()) {
    symbol::Location* const named = location(rows, 0, locations);
    if (named == nullptr) return damaged(database, "frames");
    if (named != of) keep();
    of = named;
    frames.push_back({names.keep(rows.text(1)), names.keep(rows.text(2)),
                      static_cast<int>(rows.integer(3)), rows.integer(4) != 0,
                      names.keep(rows.text(5))});
  }
  keep();
  return !database.failed();
}

}  // namespace

void create_tables(Database& database, const char* tables) {
  database.open(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  database.run(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplication, kVersion)
          .c_str());
  database.run(kCommonTables);
  database.run(tables);
}

bool open_tables(Database& database) {
  const char* const path = database.path().c_str();
  if (::access(path, R_OK) != 0) {
    database.fail(errno_text(errno));
    return false;
  }
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    database.fail("it is a directory");
    return false;
  }
  // What a killed writer has begun is undone, if that is allowed.
  database.open(::access(path, W_OK) == 0 ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
  const auto number = [&](const char* pragma) {
    Statement ask(database, pragma);
    return ask.next() ? ask.integer(0) : -1;
  };
  const std::int64_t application = number("PRAGMA application_id");
  const std::int64_t version = number("PRAGMA user_version");
  if (database.failed()) return false;
  if (application != kApplication) database.fail("it is no recording of kcovtool's");
  if (version > kVersion) database.fail("it was made by a newer kcovtool");
  // All that is read is of one moment, though somebody writes; and the file is locked once, not for
  // each of a hundred thousand questions.
  database.run("BEGIN");
  return !database.failed();
}

std::string without_links(const std::string& name) {
  std::error_code error;
  fs::path path = name;
  constexpr int kMostLinks = 40;  // as the kernel has it
  for (int i = 0; i < kMostLinks && fs::is_symlink(path, error); ++i) {
    const fs::path target = fs::read_symlink(path, error);
    if (error) return name;
    path = path.parent_path() / target;
  }
  path = fs::weakly_canonical(path, error);
  return error ? name : path.string();
}

Status remove_database(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return Error{"cannot write the recording " + path + ": " + errno_text(errno)};
  return remove_journals(path);
}

Status remove_journals(const std::string& path) {
  for (const char* rest : {"-journal", "-wal", "-shm"}) {
    if (::unlink((path + rest).c_str()) != 0 && errno != ENOENT)
      return Error{"cannot write the recording " + path + ": " + errno_text(errno)};
  }
  return {};
}

std::string join(const std::vector<std::string>& arguments) {
  std::string joined;
  for (const std::string& argument : arguments) joined += argument + '\0';
  return joined;
}

std::vector<std::string> split(Bytes joined) {
  std::vector<std::string> arguments;
  std::string_view rest(reinterpret_cast<const char*>(joined.data()), joined.size());
  for (std::size_t end; (end = rest.find('\0')) != std::string_view::npos;) {
    arguments.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return arguments;
}

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::vector<std::uint8_t> compress(Bytes numbers) {
  std::vector<std::uint8_t> bytes(ZSTD_compressBound(numbers.size()));
  const std::size_t size =
      ZSTD_compress(bytes.data(), bytes.size(), numbers.data(), numbers.size(), 1);
  bytes.resize(ZSTD_isError(size) != 0 ? 0 : size);
  return bytes;
}

bool decompress(Bytes bytes, std::span<std::uint8_t> numbers) {
  return ZSTD_decompress(numbers.data(), numbers.size(), bytes.data(), bytes.size()) ==
         numbers.size();
}

void write_pcs(Database& database, std::uint64_t first, std::span<const std::uint64_t> pcs) {
  Statement insert(database, "INSERT INTO pcs VALUES (?, ?, ?)");
  for (std::size_t begin = 0; begin < pcs.size(); begin += kMostInRow) {
    const auto row = pcs.subspan(begin, std::min(kMostInRow, pcs.size() - begin));
    insert.run(first + begin, std::uint64_t{row.size()}, Bytes(compress_numbers(row)));
  }
}

void write_names(Database& database, const symbol::Locations& locations) {
  Statement location(database, "INSERT INTO locations VALUES (?, ?, ?, ?)");
  Statement frame(database, "INSERT INTO frames VALUES (?, ?, ?, ?, ?, ?, ?)");
  for (std::uint64_t pc = 0; pc < locations.size(); ++pc) {
    const symbol::Location& known = locations[pc];
    if (known.symbol.empty() && known.frames.empty()) continue;
    location.run(pc, known.symbol, known.symbol_offset, known.is_call_site);
    std::uint64_t depth = 0;
    for (const symbol::Frame& one : known.frames)
      frame.run(pc, depth++, one.function, one.file, one.line, one.inlined, one.declared_in);
  }
}

void write_modules(Database& database, const std::vector<Module>& modules) {
  Statement insert(database, "INSERT INTO modules VALUES (?, ?, ?, ?)");
  for (const Module& module : modules)
    insert.run(module.name, module.start, module.size, module.build_id);
}

bool has_table(Database& database, std::string_view name) {
  Statement tables(database, "SELECT name FROM sqlite_master");
  while (tables.next())
    if (tables.text(0) == name) return true;
  return false;
}

std::vector<Module> read_modules(Database& database) {
  std::vector<Module> modules;
  // Older files have none.
  if (!has_table(database, "modules")) return modules;
  Statement rows(database, "SELECT name, start, size, build_id FROM modules");
  while (rows.next()) {
    modules.push_back({std::string(rows.text(0)), static_cast<std::uint64_t>(rows.integer(1)),
                       static_cast<std::uint64_t>(rows.integer(2)), std::string(rows.text(3))});
  }
  return modules;
}

bool read_pcs(Database& database, symbol::Locations& locations) {
  std::vector<std::uint64_t> pcs;
  Statement rows(database, "SELECT first, count, data FROM pcs ORDER BY first");
  while (rows.next()) {
    if (static_cast<std::uint64_t>(rows.integer(0)) != pcs.size() ||
        !decompress_numbers(rows.bytes(2), static_cast<std::uint64_t>(rows.integer(1)), pcs))
      return damaged(database, "pcs");
  }
  locations = symbol::Locations(pcs.size());
  for (std::size_t i = 0; i < pcs.size(); ++i) locations[i].pc = pcs[i];
  return !database.failed();
}

bool read_names(Database& database, symbol::Locations& locations) {
  const auto names = std::make_shared<symbol::Names>();
  locations.adopt(names);
  Statement symbols(database, "SELECT pc, symbol, symbol_offset, is_call_site FROM locations");
  Statement frames(database, frames_query(database, "ORDER BY pc, depth").c_str());
  return take_names(database, symbols, frames, *names, locations);
}

bool read_names_of(Database& database, std::span<const std::uint32_t> numbers,
                   symbol::Locations& locations) {
  // To ask for each takes longer than to read all when they are many.
  if (numbers.size() > locations.size() / 4) return read_names(database, locations);
  const auto names = std::make_shared<symbol::Names>();
  locations.adopt(names);
  Statement symbols(database,
                    "SELECT pc, symbol, symbol_offset, is_call_site FROM locations WHERE pc = ?");
  Statement frames(database, frames_query(database, "WHERE pc = ? ORDER BY depth").c_str());
  for (const std::uint32_t number : numbers) {
    symbols.ask(number);
    frames.ask(number);
    if (!take_names(database, symbols, frames, *names, locations)) return false;
  }
  return true;
}

bool damaged(Database& database, const char* table) {
  database.fail(fmt::format("it is damaged (table {})", table));
  return false;
}

}  // namespace kcov::coverage
