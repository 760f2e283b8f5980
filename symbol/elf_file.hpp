// SPDX-License-Identifier: GPL-2.0-only OR MIT
// An ELF file in memory.
#pragma once

#include <libelf.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/result.hpp"

namespace kcov::symbol {

struct CloseElf {
  void operator()(Elf* elf) const { elf_end(elf); }
};

inline constexpr const char* kNoElf =
    "it is not an ELF image; give the linked kernel (vmlinux, not bzImage) or program";

Error cannot_open(const std::string& path, const std::string& why);

// The bytes of a file, for as long as anything is read from them.
class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept
      : bytes_(std::exchange(other.bytes_, nullptr)), size_(other.size_) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();
  // Errors: it cannot be read, is no regular file, is empty.
  static Result<MappedFile> open(const std::string& path);

  bool is_open() const { return bytes_ != nullptr; }
  std::size_t size() const { return size_; }
  // What is written to them stays with us.
  std::span<unsigned char> bytes() { return {static_cast<unsigned char*>(bytes_), size_}; }
  // Lets go of the memory that they took: they come from the file again when they are read. Of
  // bytes that were not written to.
  void let_go() const;
  // Another reader of the same bytes. libelf may write to them, which stays with us.
  Elf* read() const { return elf_memory(static_cast<char*>(bytes_), size_); }

 private:
  MappedFile(void* bytes, std::size_t size) : bytes_(bytes), size_(size) {}

  void* bytes_ = nullptr;
  std::size_t size_ = 0;
};

// A section of machine code.
struct Code {
  std::uint64_t start = 0;
  std::span<const unsigned char> bytes;
};
// All that there is in the ELF, which must outlive it.
std::vector<Code> code_of(Elf* elf);

// Of this byte order, then.
bool is_x86_64(Elf* elf);

bool has_section(Elf* elf, std::uint32_t type, std::string_view name);

}  // namespace kcov::symbol
