// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/pc_formats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <vector>

namespace kcov::report {
namespace {

std::vector<std::uint64_t> pcs_of(const coverage::CoverageSet& set) {
  std::vector<std::uint64_t> pcs;
  for (const symbol::Location& location : set.locations) pcs.push_back(location.pc);
  std::sort(pcs.begin(), pcs.end());
  return pcs;
}

// Those of the module, from its start.
std::vector<std::uint64_t> offsets(const coverage::CoverageSet& set, const Module& module) {
  std::vector<std::uint64_t> inside;
  for (const std::uint64_t pc : pcs_of(set))
    if (pc >= module.start && pc < module.end) inside.push_back(pc - module.start);
  return inside;
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

std::string offsets_of(const coverage::CoverageSet& set, const Module& module) {
  const std::string name = std::filesystem::path(module.path).filename().string();
  std::string text;
  for (const std::uint64_t offset : offsets(set, module))
    text += fmt::format("{}+{:#x}\n", name, offset);
  return text;
}

std::string drcov_of(const coverage::CoverageSet& set, const Module& module) {
  std::vector<std::uint64_t> blocks = offsets(set, module);
  std::erase_if(blocks, [](std::uint64_t offset) {
    return offset > std::numeric_limits<std::uint32_t>::max();
  });
  // The module's path is the rest of its line.
  std::string path;
  for (const char c : module.path) path += c == '\n' || c == '\r' ? '?' : c;
  std::string bytes = fmt::format(
      "DRCOV VERSION: 2\nDRCOV FLAVOR: kcov\n"
      "Module Table: version 2, count 1\n"
      "Columns: id, base, end, entry, checksum, timestamp, path\n"
      "  0, {:#018x}, {:#018x}, 0x0000000000000000, 0x00000000, 0x00000000, {}\n"
      "BB Table: {} bbs\n",
      module.start, module.end, path, blocks.size());
  for (const std::uint64_t offset : blocks) {
    append(bytes, static_cast<std::uint32_t>(offset));
    append(bytes, std::uint16_t{1});  // bytes, and
    append(bytes, std::uint16_t{0});  // the module's id
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
