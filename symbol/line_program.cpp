// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Decodes line programs; see line_program.hpp. Numbers of sections are those of DWARF 5.
#include "symbol/line_program.hpp"

#include <dwarf.h>
#include <gelf.h>

#include <algorithm>
#include <cstring>

namespace kcov::symbol {

LineSections::LineSections(Elf* elf) {
  const char* ident = elf_getident(elf, nullptr);
  std::size_t names = 0;
  if (ident == nullptr || ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB ||
      elf_getshdrstrndx(elf, &names) != 0) {
    return;
  }
  for (Elf_Scn* scn = nullptr; (scn = elf_nextscn(elf, scn)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(scn, &header) == nullptr || header.sh_type == SHT_NOBITS ||
        (header.sh_flags & SHF_COMPRESSED) != 0) {
      continue;
    }
    const char* name = elf_strptr(elf, names, header.sh_name);
    if (name == nullptr) continue;
    std::string_view* section = std::strcmp(name, ".debug_line") == 0       ? &line
                                : std::strcmp(name, ".debug_line_str") == 0 ? &line_str
                                : std::strcmp(name, ".debug_str") == 0      ? &str
                                                                            : nullptr;
    if (section == nullptr) continue;
    const Elf_Data* data = elf_rawdata(scn, nullptr);
    if (data != nullptr && data->d_buf != nullptr) {
      *section = {static_cast<const char*>(data->d_buf), data->d_size};
    }
  }
}

// Reads forward, never beyond the end: there everything is 0 and ok() false.
class LineProgram::Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return bytes_.empty(); }

  template <class T>
  T fixed() {
    T value{};
    if (bytes_.size() < sizeof value) return fail(), value;
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
    return value;
  }

  std::uint64_t uleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = fixed<std::uint8_t>();
      if (shift < 64) value |= std::uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80) == 0) return value;
    }
  }

  std::int64_t sleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;;) {
      const auto byte = fixed<std::uint8_t>();
      if (shift < 64) value |= std::uint64_t{byte & 0x7fu} << shift;
      shift += 7;
      if ((byte & 0x80) != 0) continue;
      if ((byte & 0x40) != 0 && shift < 64) value |= ~std::uint64_t{0} << shift;
      return static_cast<std::int64_t>(value);
    }
  }

  std::string_view string() {
    const std::size_t size = bytes_.find('\0');
    if (size == std::string_view::npos) return fail(), std::string_view();
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(size + 1);
    return text;
  }

  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size()) return fail(), std::string_view();
    const std::string_view part = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return part;
  }

  void fail() {
    ok_ = false;
    bytes_ = {};
  }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

struct LineProgram::Header {
  unsigned version = 0;
  unsigned step = 0;  // bytes that an address advances by, per operation
  std::int8_t line_base = 0;
  unsigned line_range = 0;
  unsigned opcode_base = 0;
  std::string_view operand_counts;  // of the standard opcodes, the first is opcode 1's
};

namespace {

std::string_view string_at(std::string_view section, std::uint64_t offset) {
  if (offset >= section.size()) return {};
  const std::string_view rest = section.substr(offset);
  return rest.substr(0, rest.find('\0'));
}

}  // namespace

bool LineProgram::decode(const LineSections& sections, std::uint64_t offset,
                         std::span<const std::uint64_t> addresses) {
  if (offset >= sections.line.size()) return false;
  Cursor section(sections.line.substr(offset));
  Cursor unit(section.take(section.fixed<std::uint32_t>()));
  Header header;
  rows_.assign(addresses.size(), Row());
  return section.ok() && read_header(unit, header, sections) && run(unit, header, addresses);
}

// 6.2.4
bool LineProgram::read_header(Cursor& in, Header& header, const LineSections& sections) {
  header.version = in.fixed<std::uint16_t>();
  if (header.version < 2 || header.version > 5) return false;
  if (header.version >= 5 && (in.fixed<std::uint8_t>() != 8 || in.fixed<std::uint8_t>() != 0)) {
    return false;  // addresses of another size, or segments
  }
  Cursor tables(in.take(in.fixed<std::uint32_t>()));
  header.step = tables.fixed<std::uint8_t>();
  if (header.version >= 4 && tables.fixed<std::uint8_t>() != 1) return false;
  tables.fixed<std::uint8_t>();  // default_is_stmt: all rows count here
  header.line_base = tables.fixed<std::int8_t>();
  header.line_range = tables.fixed<std::uint8_t>();
  header.opcode_base = tables.fixed<std::uint8_t>();
  if (header.line_range == 0 || header.opcode_base < 10) return false;
  header.operand_counts = tables.take(header.opcode_base - 1);
  return in.ok() && (header.version >= 5 ? read_tables(tables, sections) : read_old_tables(tables));
}

// Up to DWARF 4: both are numbered from 1, and directory 0 is the unit's.
bool LineProgram::read_old_tables(Cursor& in) {
  directories_.emplace_back();
  files_.emplace_back();
  while (in.ok()) {
    const std::string_view directory = in.string();
    if (directory.empty()) break;
    directories_.push_back(directory);
  }
  while (in.ok()) {
    const std::string_view name = in.string();
    if (name.empty()) break;
    files_.push_back({name, in.uleb()});
    in.uleb();  // time of change
    in.uleb();  // size
  }
  return in.ok();
}

// DWARF 5: both are numbered from 0, and each says first what its entries are made of.
bool LineProgram::read_tables(Cursor& in, const LineSections& sections) {
  for (const bool is_directories : {true, false}) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> format(in.fixed<std::uint8_t>());
    for (auto& [content, form] : format) {
      content = in.uleb();
      form = in.uleb();
    }
    const std::uint64_t count = in.uleb();
    if (format.empty() && count != 0) return false;
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      File entry;
      for (const auto& [content, form] : format) {
        std::string_view text;
        std::uint64_t number = 0;
        switch (form) {
          case DW_FORM_string: text = in.string(); break;
          case DW_FORM_line_strp:
            text = string_at(sections.line_str, in.fixed<std::uint32_t>());
            break;
          case DW_FORM_strp: text = string_at(sections.str, in.fixed<std::uint32_t>()); break;
          case DW_FORM_udata: number = in.uleb(); break;
          case DW_FORM_data1: number = in.fixed<std::uint8_t>(); break;
          case DW_FORM_data2: number = in.fixed<std::uint16_t>(); break;
          case DW_FORM_data4: number = in.fixed<std::uint32_t>(); break;
          case DW_FORM_data8: number = in.fixed<std::uint64_t>(); break;
          case DW_FORM_data16: in.take(16); break;
          case DW_FORM_block: in.take(in.uleb()); break;
          default: return false;
        }
        if (content == DW_LNCT_path) entry.name = text;
        if (content == DW_LNCT_directory_index) entry.directory = number;
      }
      if (is_directories) {
        directories_.push_back(entry.name);
      } else {
        files_.push_back(entry);
      }
    }
  }
  return in.ok();
}

// 6.2.5. Sequences come in any order; within one, addresses only rise.
bool LineProgram::run(Cursor& in, const Header& header, std::span<const std::uint64_t> addresses) {
  struct State {
    std::uint64_t address = 0;
    std::uint64_t file = 1;
    std::uint64_t line = 1;  // unsigned: damage may make it overflow
  };
  State now;
  State row;  // the last one written
  bool in_sequence = false;
  std::size_t next = 0;  // the first of `addresses` that is not before `row`

  // What lies between the last row and this one belongs to the last; so of several rows
  // at one address the last one counts.
  const auto write_row = [&] {
    if (!in_sequence || now.address < row.address) {
      next = static_cast<std::size_t>(
          std::lower_bound(addresses.begin(), addresses.end(), now.address) - addresses.begin());
    } else {
      // Code that the linker dropped is left at address 0, where no code is.
      const bool dropped = row.address == 0;
      for (; next < addresses.size() && addresses[next] < now.address; ++next) {
        if (!rows_[next].known && !dropped) {
          rows_[next] = {row.file, static_cast<int>(row.line), true};
        }
      }
    }
    row = now;
    in_sequence = true;
  };
  const auto advance = [&](std::uint64_t operations) { now.address += operations * header.step; };

  while (!in.at_end()) {
    const unsigned opcode = in.fixed<std::uint8_t>();
    if (opcode >= header.opcode_base) {
      const unsigned special = opcode - header.opcode_base;
      advance(special / header.line_range);
      now.line += static_cast<std::uint64_t>(header.line_base) + special % header.line_range;
      write_row();
      continue;
    }
    switch (opcode) {
      case 0: {
        Cursor extended(in.take(in.uleb()));
        switch (extended.fixed<std::uint8_t>()) {
          case DW_LNE_end_sequence:
            write_row();
            now = State();
            in_sequence = false;
            break;
          case DW_LNE_set_address: now.address = extended.fixed<std::uint64_t>(); break;
          case DW_LNE_define_file: return false;
          default: break;  // discriminators, and what vendors add: skipped by its length
        }
        if (!extended.ok()) return false;
        break;
      }
      case DW_LNS_copy: write_row(); break;
      case DW_LNS_advance_pc: advance(in.uleb()); break;
      case DW_LNS_advance_line: now.line += static_cast<std::uint64_t>(in.sleb()); break;
      case DW_LNS_set_file: now.file = in.uleb(); break;
      case DW_LNS_const_add_pc: advance((255 - header.opcode_base) / header.line_range); break;
      case DW_LNS_fixed_advance_pc: now.address += in.fixed<std::uint16_t>(); break;
      default:  // columns, statements, blocks, prologues: nothing that is asked for
        for (int i = 0; i < header.operand_counts[opcode - 1]; ++i) in.uleb();
    }
  }
  return in.ok();
}

std::string LineProgram::file(std::uint64_t index) const {
  if (index >= files_.size() || files_[index].name.empty()) return {};
  const File& entry = files_[index];
  if (entry.name.starts_with('/') || entry.directory >= directories_.size() ||
      directories_[entry.directory].empty()) {
    return std::string(entry.name);
  }
  return std::string(directories_[entry.directory]) + "/" + std::string(entry.name);
}

}  // namespace kcov::symbol
