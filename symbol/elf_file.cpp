// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "symbol/elf_file.hpp"

#include <fcntl.h>
#include <gelf.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kcov::symbol {

Error cannot_open(const std::string& path, const std::string& why) {
  return Error{"cannot read symbols from \"" + path + "\": " + why};
}

MappedFile::~MappedFile() {
  if (bytes_ != nullptr) ::munmap(bytes_, size_);
}

void MappedFile::let_go() const {
  if (bytes_ != nullptr) ::madvise(bytes_, size_, MADV_DONTNEED);
}

Result<MappedFile> MappedFile::open(const std::string& path) {
  // Not to wait for the other end of a pipe, which is refused below.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return cannot_open(path, std::strerror(errno));
  struct stat status {};
  void* bytes = MAP_FAILED;
  int error = fstat(descriptor, &status) == 0 ? 0 : errno;
  const bool is_file = error == 0 && S_ISREG(status.st_mode);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (is_file && size != 0) {
    bytes = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0);
    if (bytes == MAP_FAILED) error = errno;
  }
  ::close(descriptor);
  if (error != 0) return cannot_open(path, std::strerror(error));
  if (!is_file) return cannot_open(path, "it is not a regular file");
  if (size == 0) return cannot_open(path, kNoElf);
  return MappedFile(bytes, size);
}

std::vector<Code> code_of(Elf* elf) {
  std::vector<Code> code;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr shape;
    if (gelf_getshdr(section, &shape) == nullptr || shape.sh_type != SHT_PROGBITS ||
        (shape.sh_flags & SHF_EXECINSTR) == 0)
      continue;
    const Elf_Data* const data = elf_rawdata(section, nullptr);
    if (data == nullptr || data->d_buf == nullptr) continue;
    code.push_back({shape.sh_addr, {static_cast<const unsigned char*>(data->d_buf), data->d_size}});
  }
  return code;
}

bool is_x86_64(Elf* elf) {
  GElf_Ehdr header;
  return gelf_getehdr(elf, &header) != nullptr && header.e_machine == EM_X86_64 &&
         header.e_ident[EI_DATA] == ELFDATA2LSB;
}

bool has_section(Elf* elf, std::uint32_t type, std::string_view name) {
  std::size_t names = 0;
  if (elf_getshdrstrndx(elf, &names) != 0) return false;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != type) continue;
    const char* const found = elf_strptr(elf, names, header.sh_name);
    if (found != nullptr && found == name) return true;
  }
  return false;
}

}  // namespace kcov::symbol
