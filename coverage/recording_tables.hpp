// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the files of recordings and of merged ones have in common; docs/recording.md has it all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coverage/database.hpp"
#include "coverage/entries.hpp"
#include "coverage/modules.hpp"
#include "symbol/location.hpp"

namespace kcov::coverage {

// Numbers in one row, at most; what a reader allows.
inline constexpr std::size_t kMostInRow = 1 << 18;

// Opens a file that is to be made with these tables, beside those of every file.
void create_tables(Database& database, const char* tables);
// Opens a file that is there. False, and the database has failed: it is none of ours.
bool open_tables(Database& database);
// What the name stands for: where links lead, though there be nothing yet.
std::string without_links(const std::string& name);
// Removes the file, and what SQLite may have left beside it; the second: only that.
Status remove_database(const std::string& path);
Status remove_journals(const std::string& path);

// Each argument with a 0 byte behind it, as in /proc/PID/cmdline: any bytes may be in it.
std::string join(const std::vector<std::string>& arguments);
std::vector<std::string> split(Bytes joined);
Bytes bytes_of(std::string_view text);

// Numbers, little-endian, as one zstd frame.
std::vector<std::uint8_t> compress(Bytes numbers);
bool decompress(Bytes bytes, std::span<std::uint8_t> numbers);

template <class T>
std::vector<std::uint8_t> compress_numbers(std::span<const T> numbers) {
  return compress({reinterpret_cast<const std::uint8_t*>(numbers.data()), numbers.size_bytes()});
}
// Appends `count` numbers to `numbers`; false: there are not just so many.
template <class T>
bool decompress_numbers(Bytes bytes, std::uint64_t count, std::vector<T>& numbers) {
  if (count > kMostInRow) return false;
  const std::size_t before = numbers.size();
  numbers.resize(before + count);
  return decompress(bytes,
                    {reinterpret_cast<std::uint8_t*>(numbers.data() + before), count * sizeof(T)});
}

// Tables pcs, locations and frames. PCs are numbered from `first` on.
void write_pcs(Database& database, std::uint64_t first, std::span<const std::uint64_t> pcs);
void write_names(Database& database, const symbol::Locations& locations);

// The same, to read. Locations get their PCs, then their names; false: the database has failed.
bool read_pcs(Database& database, symbol::Locations& locations);
bool read_names(Database& database, symbol::Locations& locations);
// Only of those that are named by their numbers.
bool read_names_of(Database& database, std::span<const std::uint32_t> numbers,
                   symbol::Locations& locations);

bool has_table(Database& database, std::string_view name);
void write_modules(Database& database, const std::vector<Module>& modules);
std::vector<Module> read_modules(Database& database);

// "it is damaged (table pcs)"
bool damaged(Database& database, const char* table);

}  // namespace kcov::coverage
