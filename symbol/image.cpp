// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Opening an image, and the order of work in locate(); image.hpp tells the whole story.
#include "symbol/image.hpp"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <utility>

#include "symbol/call_sites.hpp"
#include "symbol/elf_symbols.hpp"
#include "symbol/function_tree.hpp"
#include "symbol/line_table.hpp"
#include "symbol/unit_map.hpp"

namespace kcov::symbol {
namespace {

struct CloseElf {
  void operator()(Elf* elf) const { elf_end(elf); }
};
struct CloseDwarf {
  void operator()(Dwarf* dwarf) const { dwarf_end(dwarf); }
};

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

Error cannot_open(const std::string& path, const std::string& why) {
  return Error{"cannot read symbols from \"" + path + "\": " + why};
}

// One address to look up, and where the answer belongs.
struct Question {
  Dwarf_Off unit;
  std::uint64_t address;
  Location* location;
};

std::string read_build_id(Elf* elf) {
  const void* bytes = nullptr;
  const ssize_t size = dwelf_elf_gnu_build_id(elf, &bytes);
  std::string text;
  for (ssize_t i = 0; i < size; ++i) {
    const unsigned byte = static_cast<const unsigned char*>(bytes)[i];
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

int integer_attribute(Dwarf_Die& die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  dwarf_formudata(dwarf_attr(&die, name, &attribute), &value);
  return static_cast<int>(value);
}

}  // namespace

struct Image::State {
  // In the order in which each needs the one before; destroyed the other way round.
  std::string path;
  File file;
  std::unique_ptr<Elf, CloseElf> elf;
  std::string build_id;
  ElfSymbols symbols;
  std::unique_ptr<Dwarf, CloseDwarf> dwarf;  // null without debug information
  UnitMap units;
  LineSections line_sections;

  State(std::string name, File opened, std::unique_ptr<Elf, CloseElf> image)
      : path(std::move(name)),
        file(std::move(opened)),
        elf(std::move(image)),
        build_id(read_build_id(elf.get())),
        symbols(elf.get()),
        dwarf(open_dwarf(elf.get())),
        units(dwarf.get()),
        line_sections(dwarf == nullptr ? LineSections() : LineSections(elf.get())) {}

  static Dwarf* open_dwarf(Elf* elf) {
    Dwarf* opened = dwarf_begin_elf(elf, DWARF_C_READ, nullptr);
    // Unwind tables alone are enough for libdw to say yes.
    Dwarf_CU* first = nullptr;
    if (opened != nullptr &&
        dwarf_get_units(opened, nullptr, &first, nullptr, nullptr, nullptr, nullptr) != 0) {
      dwarf_end(opened);
      opened = nullptr;
    }
    return opened;
  }

  void answer(std::vector<Question>& questions);
  void answer_in_unit(std::span<const Question> questions);
};

namespace {

// The frames of one address: names from its chain, each line from where the next inner
// function was called, and the innermost line from the line table.
std::vector<Frame> make_frames(ScopeChain& chain, LineTable& lines, std::size_t index,
                               const std::string& symbol) {
  LineTable::Position position = lines.find(index);
  std::vector<Frame> frames;
  if (chain.empty()) {  // assembly: lines, but often no functions
    if (!position.file.empty()) frames.push_back({symbol, position.file, position.line, false});
    return frames;
  }
  frames.reserve(chain.size());
  for (std::size_t i = chain.size(); i-- > 0;) {
    const bool inlined = i > 0;
    frames.push_back({function_name(chain[i]), std::move(position.file), position.line, inlined});
    if (!inlined) break;
    position.file =
        lines.file(static_cast<Dwarf_Word>(integer_attribute(chain[i], DW_AT_call_file)));
    position.line = integer_attribute(chain[i], DW_AT_call_line);
  }
  if (frames.back().function.empty()) frames.back().function = symbol;
  return frames;
}

}  // namespace

// Sorts the questions by unit, then by address, and visits each unit once.
void Image::State::answer(std::vector<Question>& questions) {
  std::stable_sort(questions.begin(), questions.end(),
                   [](const Question& a, const Question& b) { return a.unit < b.unit; });
  for (auto it = questions.begin(); it != questions.end() && it->unit != UnitMap::none;) {
    const auto end = std::find_if(
        it, questions.end(), [&](const Question& question) { return question.unit != it->unit; });
    answer_in_unit({it, end});
    it = end;
  }
}

void Image::State::answer_in_unit(std::span<const Question> questions) {
  Dwarf_Die die;
  if (dwarf_offdie(dwarf.get(), questions.front().unit, &die) == nullptr) return;
  // With -gsplit-dwarf the functions are in another file, which libdw finds for us.
  Dwarf_Die split;
  std::uint8_t type = 0;
  const bool is_split =
      dwarf_cu_info(die.cu, nullptr, &type, nullptr, &split, nullptr, nullptr, nullptr) == 0 &&
      type == DW_UT_skeleton && split.addr != nullptr;
  const Dwarf_Die functions = is_split ? split : die;

  std::vector<std::uint64_t> addresses;
  for (const Question& question : questions) addresses.push_back(question.address);
  std::vector<ScopeChain> chains = find_scopes(functions, addresses);
  LineTable lines(die, functions, line_sections, addresses);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    Location& location = *questions[i].location;
    location.frames = make_frames(chains[i], lines, i, location.symbol);
  }
}

Image::Image(std::unique_ptr<State> state) : state_(std::move(state)) {}
Image::Image(Image&&) noexcept = default;
Image& Image::operator=(Image&&) noexcept = default;
Image::~Image() = default;

const std::string& Image::path() const { return state_->path; }
const std::string& Image::build_id() const { return state_->build_id; }
bool Image::has_debug_info() const { return state_->dwarf != nullptr; }

Result<Image> Image::open(const std::string& path) {
  // Not to wait for the other end of a pipe, which is refused below.
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.descriptor() < 0) return cannot_open(path, std::strerror(errno));
  struct stat status;
  if (fstat(file.descriptor(), &status) != 0) return cannot_open(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return cannot_open(path, "it is not a regular file");

  elf_version(EV_CURRENT);
  std::unique_ptr<Elf, CloseElf> elf(elf_begin(file.descriptor(), ELF_C_READ_MMAP, nullptr));
  if (elf == nullptr) return cannot_open(path, std::string("libelf says: ") + elf_errmsg(-1));
  GElf_Ehdr header;
  if (elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr) {
    return cannot_open(path,
                       "it is not an ELF image; give the linked kernel (vmlinux, not bzImage) "
                       "or program");
  }
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN) {
    return cannot_open(path,
                       "its addresses are not final (an object file, kernel module or core "
                       "dump); give a linked kernel, program or shared object");
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (header.e_shoff == 0) return cannot_open(path, "it has no section headers, so no symbols");
  if (header.e_shoff > size ||
      std::uint64_t{header.e_shnum} * header.e_shentsize > size - header.e_shoff) {
    return cannot_open(path,
                       "the file is cut short: it ends before its section headers; copy or "
                       "link it again");
  }
  return Image(std::make_unique<State>(path, std::move(file), std::move(elf)));
}

std::size_t Image::count_strangers(std::span<const std::uint64_t> pcs) const {
  const CallSites sites(state_->elf.get());
  return static_cast<std::size_t>(std::count_if(pcs.begin(), pcs.end(), [&](std::uint64_t pc) {
    return pc != 0 && !sites.may_return_to(pc, state_->symbols);
  }));
}

std::vector<Location> Image::locate(std::span<const std::uint64_t> pcs, PcKind kind) {
  const std::uint64_t back = kind == PcKind::return_address ? 1 : 0;
  std::vector<Location> locations(pcs.size());
  std::vector<std::size_t> order(pcs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](auto a, auto b) { return pcs[a] != pcs[b] ? pcs[a] < pcs[b] : a < b; });

  // One question for each PC that is asked for; its first asker gets the answer.
  std::vector<Question> questions;
  for (const std::size_t i : order) {
    locations[i].pc = pcs[i];
    if (pcs[i] < back || (!questions.empty() && questions.back().location->pc == pcs[i])) continue;
    const std::uint64_t address = pcs[i] - back;
    if (const ElfSymbols::Symbol* symbol = state_->symbols.find(address)) {
      locations[i].symbol = symbol->name;
      locations[i].symbol_offset = pcs[i] - symbol->start;
    }
    questions.push_back({state_->units.find(address), address, &locations[i]});
  }
  state_->answer(questions);

  // The others copy it. Equal PCs are side by side in `order`, the first asker first.
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (pcs[order[i]] == pcs[order[i - 1]]) locations[order[i]] = locations[order[i - 1]];
  }
  return locations;
}

}  // namespace kcov::symbol
