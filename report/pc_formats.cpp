// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/pc_formats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <vector>

#include "report/printable.hpp"

namespace kcov::report {
namespace {

std::vector<std::uint64_t> pcs_of(const coverage::CoverageSet& set) {
  std::vector<std::uint64_t> pcs;
  for (const symbol::Location& location : set.locations) pcs.push_back(location.pc);
  std::sort(pcs.begin(), pcs.end());
  return pcs;
}

struct Place {
  std::size_t module;
  std::uint64_t offset;  // from its start
};

// Of all PCs that are in one of the modules.
std::vector<Place> places_of(const coverage::CoverageSet& set, const Modules& modules) {
  std::vector<Place> places;
  for (const std::uint64_t pc : pcs_of(set)) {
    const auto at = std::find_if(modules.begin(), modules.end(), [&](const Module& module) {
      // It stands behind a call, which may be the last instruction of all.
      return pc > module.start && pc <= module.end &&
             pc - module.start <= std::numeric_limits<std::uint32_t>::max();
    });
    if (at != modules.end())
      places.push_back({static_cast<std::size_t>(at - modules.begin()), pc - at->start});
  }
  return places;
}

// Little-endian.
template <class T>
void append(std::string& bytes, T number) {
  for (std::size_t i = 0; i < sizeof number; ++i)
    bytes += static_cast<char>(static_cast<unsigned char>(number >> 8 * i));
}

}  // namespace

std::string rawcover_of(const coverage::CoverageSet& set) {
  std::string text;
  for (const std::uint64_t pc : pcs_of(set)) text += fmt::format("{:#x}\n", pc);
  return text;
}

std::size_t count_outside(const coverage::CoverageSet& set, const Modules& modules) {
  return set.locations.size() - places_of(set, modules).size();
}

std::string offsets_of(const coverage::CoverageSet& set, const Modules& modules) {
  std::string text;
  for (const Place& place : places_of(set, modules)) {
    const std::filesystem::path path(modules[place.module].path);
    text += fmt::format("{}+{:#x}\n", printable(path.filename().string()), place.offset);
  }
  return text;
}

std::string drcov_of(const coverage::CoverageSet& set, const Modules& modules) {
  std::string bytes = fmt::format(
      "DRCOV VERSION: 2\nDRCOV FLAVOR: kcov\n"
      "Module Table: version 2, count {}\n"
      "Columns: id, base, end, entry, checksum, timestamp, path\n",
      modules.size());
  for (std::size_t i = 0; i < modules.size(); ++i) {
    // It is the rest of the line.
    const std::string path = printable(modules[i].path);
    bytes +=
        fmt::format("{:3}, {:#018x}, {:#018x}, 0x0000000000000000, 0x00000000, 0x00000000, {}\n", i,
                    modules[i].start, modules[i].end, path);
  }
  const std::vector<Place> places = places_of(set, modules);
  bytes += fmt::format("BB Table: {} bbs\n", places.size());
  for (const Place& place : places) {
    append(bytes, static_cast<std::uint32_t>(place.offset));
    append(bytes, std::uint16_t{1});  // bytes
    append(bytes, static_cast<std::uint16_t>(place.module));
  }
  return bytes;
}

std::string sancov_of(const coverage::CoverageSet& set) {
  constexpr std::uint64_t kMagicOf64Bits = 0xC0BFFFFFFFFFFF64;
  std::string bytes;
  append(bytes, kMagicOf64Bits);
  // To LLVM a point is the byte before what the callback returns to.
  for (const std::uint64_t pc : pcs_of(set)) append(bytes, pc - 1);
  return bytes;
}

}  // namespace kcov::report
