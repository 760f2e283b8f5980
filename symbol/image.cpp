// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Opening an image, and the order of work in locate(); image.hpp tells the whole story.
#include "symbol/image.hpp"

#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "symbol/call_sites.hpp"
#include "symbol/callback_calls.hpp"
#include "symbol/debug_info.hpp"
#include "symbol/elf_file.hpp"
#include "symbol/elf_symbols.hpp"
#include "symbol/function_search.hpp"
#include "symbol/location_cache.hpp"
#include "symbol/module_link.hpp"
#include "symbol/separate_debug.hpp"
#include "symbol/source_files.hpp"
#include "symbol/symbol_table.hpp"
#include "symbol/unit_map.hpp"

namespace kcov::symbol {
namespace {

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

// Cuts the questions, sorted by unit, into those of each unit that is known.
std::vector<UnitQuestions> by_unit(std::span<const Question> questions) {
  std::vector<UnitQuestions> units;
  for (std::size_t begin = 0, end = 0; begin < questions.size(); begin = end) {
    while (end < questions.size() && questions[end].unit == questions[begin].unit) ++end;
    if (questions[begin].unit != UnitMap::none)
      units.push_back(questions.subspan(begin, end - begin));
  }
  return units;
}

}  // namespace

namespace {

// What finds the symbol and the unit of an address.
struct LookUp {
  LookUp(Elf* elf, Elf* with_symbols, Dwarf* dwarf)
      : symbols(with_symbols), sites(elf, with_symbols, symbols), units(dwarf) {}

  ElfSymbols symbols;
  CallSites sites;
  UnitMap units;
};

// The file with the debug information of an image that has none itself; `module`: of one whose
// code is there.
struct Separate {
  Separate(const std::string& path, Elf* image, std::optional<ModuleCode> module)
      : file(open(path, image)) {
    if (!file.is_open()) return;
    if (module) trouble = link_module(file.bytes(), *module);
    if (trouble.empty()) elf.reset(file.read());
  }

  MappedFile file;
  std::unique_ptr<Elf, CloseElf> elf;  // null: there is none
  std::string trouble;                 // why it is of no use; empty: it is

 private:
  static MappedFile open(const std::string& path, Elf* image) {
    if (has_section(image, SHT_PROGBITS, ".debug_info")) return {};
    const std::string found = separate_debug_file(path);
    if (found.empty()) return {};
    Result<MappedFile> opened = MappedFile::open(found);
    return opened ? std::move(*opened) : MappedFile();
  }
};

}  // namespace

struct Image::State {
  // In the order in which each needs the one before; destroyed the other way round.
  std::string path;
  MappedFile file;
  std::unique_ptr<Elf, CloseElf> elf;
  std::string build_id;
  std::optional<ModuleCode> module;  // none: it is not one
  Separate separate;  // where the image has no debug information itself, and there is some
  DebugInfo debug;
  std::string cache;  // the file of answers; empty: none
  std::optional<LookUp> look_up;
  std::vector<Image> modules;

  State(std::string name, MappedFile mapped, std::unique_ptr<Elf, CloseElf> image,
        std::optional<ModuleCode> linked)
      : path(std::move(name)),
        file(std::move(mapped)),
        elf(std::move(image)),
        build_id(read_build_id(elf.get())),
        module(linked),
        separate(path, elf.get(), module),
        debug(separate.elf ? separate.elf.get() : elf.get()) {}

  const MappedFile& with_debug_info() const { return separate.elf ? separate.file : file; }
  Elf* with_symbols() const {
    const bool is_stripped = !has_section(elf.get(), SHT_SYMTAB, ".symtab");
    return is_stripped && separate.elf ? separate.elf.get() : elf.get();
  }

  // Made when the first PC comes that the cache does not know.
  LookUp& tables() {
    return look_up ? *look_up : look_up.emplace(elf.get(), with_symbols(), debug.dwarf());
  }
  CallbackCalls callback_calls() {
    return CallbackCalls(elf.get(), with_symbols(), tables().symbols);
  }
  void answer(std::vector<Question>& questions, std::uint64_t back, Locations& locations);
  // What answering has read of the files is most of the memory that it took.
  void let_go_of_files() const {
    // A module was linked in its bytes; of another byte order libelf may turn them round there.
    if (module || !is_x86_64(elf.get())) return;
    file.let_go();
    separate.file.let_go();
  }
};

// Each unit is visited once, by one of as many threads as are worth it.
void Image::State::answer(std::vector<Question>& questions, std::uint64_t back,
                          Locations& locations) {
  std::stable_sort(questions.begin(), questions.end(),
                   [](const Question& a, const Question& b) { return a.unit < b.unit; });
  const std::vector<UnitQuestions> groups = by_unit(questions);
  // To open the debug information once more costs as much as some thousand answers.
  constexpr std::size_t kWorthAThread = 5000;
  const std::size_t workers =
      std::min<std::size_t>({std::max(1u, std::thread::hardware_concurrency()),
                             1 + questions.size() / kWorthAThread, groups.size()});
  std::atomic<std::size_t> next = 0;
  const auto work = [&](DebugInfo& info, Names& names) {
    for (std::size_t i; (i = next++) < groups.size();) info.answer(groups[i], back, names);
  };
  std::vector<std::exception_ptr> failures(workers);  // no memory, of each thread
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < workers; ++i) {
    const auto names = std::make_shared<Names>();
    locations.adopt(names);
    threads.emplace_back([&, names, i] {
      try {
        const std::unique_ptr<Elf, CloseElf> own(with_debug_info().read());
        if (own == nullptr) return;
        DebugInfo info(own.get());
        if (info.dwarf() != nullptr) work(info, *names);
      } catch (...) {
        failures[i] = std::current_exception();
      }
    });
  }
  const auto names = std::make_shared<Names>();
  locations.adopt(names);
  work(debug, *names);
  threads.clear();
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

Image::Image(std::unique_ptr<State> state) : state_(std::move(state)) {}
Image::Image(Image&&) noexcept = default;
Image& Image::operator=(Image&&) noexcept = default;
Image::~Image() = default;

const std::string& Image::path() const { return state_->path; }
const std::string& Image::build_id() const { return state_->build_id; }
bool Image::has_debug_info() const { return state_->debug.dwarf() != nullptr; }

std::optional<std::uint64_t> Image::find_symbol(std::string_view name) const {
  return symbol::find_symbol(state_->with_symbols(), name);
}

Result<Image> Image::open(const std::string& path) { return open(path, {}); }

Result<Image> Image::open(const std::string& path, std::optional<ModuleCode> module) {
  Result<MappedFile> opened = MappedFile::open(path);
  if (!opened) return opened.error();
  MappedFile& file = *opened;
  if (module) {
    const std::string trouble = link_module(file.bytes(), *module);
    if (!trouble.empty()) return cannot_open(path, trouble);
  }

  elf_version(EV_CURRENT);
  std::unique_ptr<Elf, CloseElf> elf(file.read());
  if (elf == nullptr) return cannot_open(path, std::string("libelf says: ") + elf_errmsg(-1));
  GElf_Ehdr header;
  if (elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr) {
    return cannot_open(path, kNoElf);
  }
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN) {
    return cannot_open(path,
                       "its addresses are not final (an object file, kernel module or core "
                       "dump); give a linked kernel, program or shared object");
  }
  if (header.e_shoff == 0) return cannot_open(path, "it has no section headers, so no symbols");
  if (header.e_shoff > file.size() ||
      std::uint64_t{header.e_shnum} * header.e_shentsize > file.size() - header.e_shoff) {
    return cannot_open(path,
                       "the file is cut short: it ends before its section headers; copy or "
                       "link it again");
  }
  auto state = std::make_unique<State>(path, std::move(file), std::move(elf), module);
  if (!state->separate.trouble.empty())
    return cannot_open(path, "of its separate debug information: " + state->separate.trouble);
  return Image(std::move(state));
}

Status Image::add_module(const std::string& path, std::uint64_t start,
                         const std::string& build_id) {
  Result<Image> module = open(path, ModuleCode{.start = start});
  if (!module) return module.error();
  if (!build_id.empty() && module->build_id() != build_id) {
    return cannot_open(path, fmt::format("it is another build: its build-id is {}, the module's {}",
                                         module->build_id(), build_id));
  }
  const Extent code = module->extent();
  const auto is_there = [&](const Image& other) {
    return other.extent().start < code.end && code.start < other.extent().end;
  };
  const auto at = std::find_if(state_->modules.begin(), state_->modules.end(), is_there);
  if (is_there(*this) || at != state_->modules.end()) {
    return cannot_open(path, fmt::format("at {:#x} there is {} already", start,
                                         is_there(*this) ? this->path() : at->path()));
  }
  state_->modules.push_back(std::move(*module));
  return {};
}

void Image::keep_answers_in(const std::string& directory) {
  if (!build_id().empty() && has_debug_info())
    state_->cache = directory + "/" + build_id() + ".locations";
}

Image::Extent Image::extent() const {
  if (state_->module) return {state_->module->start, state_->module->end};
  Extent extent{~std::uint64_t{0}, 0};
  std::size_t count = 0;
  elf_getphdrnum(state_->elf.get(), &count);
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(state_->elf.get(), static_cast<int>(i), &segment) == nullptr ||
        segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0)
      continue;
    extent.start = std::min(extent.start, segment.p_vaddr);
    extent.end = std::max(extent.end, segment.p_vaddr + segment.p_memsz);
  }
  return extent.end == 0 ? Extent{} : extent;
}

std::vector<std::string> Image::without_debug_info() const {
  std::vector<std::string> paths;
  if (!has_debug_info()) paths.push_back(path());
  for (const Image& module : state_->modules)
    if (!module.has_debug_info()) paths.push_back(module.path());
  return paths;
}

std::vector<std::uint64_t> Image::coverable_pcs() {
  std::vector<std::uint64_t> pcs = state_->callback_calls().take_returns();
  for (Image& module : state_->modules) {
    // Not its initialization code, which is gone (module_link.hpp).
    for (const std::uint64_t pc : module.coverable_pcs())
      if (module.extent().contains(pc)) pcs.push_back(pc);
  }
  if (!state_->modules.empty()) std::sort(pcs.begin(), pcs.end());
  return pcs;
}

Image& Image::of(std::uint64_t pc) {
  for (Image& module : state_->modules)
    if (module.extent().contains(pc)) return module;
  return *this;
}

bool Image::is_behind_call(std::uint64_t pc) {
  return of(pc).state_->tables().sites.is_behind_call(pc);
}

std::vector<std::string> Image::source_files() {
  std::vector<std::string> files = symbol::source_files(state_->debug.dwarf());
  if (state_->modules.empty()) return files;
  for (Image& module : state_->modules) {
    const std::vector<std::string> more = module.source_files();
    files.insert(files.end(), more.begin(), more.end());
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

Locations Image::locate(std::span<const std::uint64_t> pcs, PcKind kind) {
  if (state_->modules.empty()) return locate_own(pcs, kind);
  Locations locations(pcs.size());
  const auto take_those_of = [&](Image& image) {
    std::vector<std::uint64_t> own;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < pcs.size(); ++i) {
      if (&of(pcs[i]) != &image) continue;
      own.push_back(pcs[i]);
      places.push_back(i);
    }
    const Locations found = image.locate_own(own, kind);
    for (std::size_t i = 0; i < places.size(); ++i) locations[places[i]] = found[i];
    locations.adopt_all_of(found);
  };
  take_those_of(*this);
  for (Image& module : state_->modules) take_those_of(module);
  return locations;
}

Locations Image::locate_own(std::span<const std::uint64_t> pcs, PcKind kind) {
  const std::uint64_t back = kind == PcKind::return_address ? 1 : 0;
  Locations locations(pcs.size());
  for (std::size_t i = 0; i < pcs.size(); ++i) locations[i].pc = pcs[i];
  std::vector<std::size_t> order(pcs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto is_before = [&](std::size_t a, std::size_t b) {
    return pcs[a] != pcs[b] ? pcs[a] < pcs[b] : a < b;
  };
  if (!std::is_sorted(pcs.begin(), pcs.end())) std::sort(order.begin(), order.end(), is_before);

  std::vector<bool> known(pcs.size());
  if (!state_->cache.empty() && kind == PcKind::return_address)
    LocationCache::load(state_->cache).find(order, locations, known);
  std::erase_if(order, [&](std::size_t i) { return known[i] || pcs[i] < back; });
  if (order.empty()) return locations;

  // One question for each PC that is asked for; its first asker gets the answer.
  std::vector<Question> questions;
  questions.reserve(order.size());
  LookUp& tables = state_->tables();
  const auto names = std::make_shared<Names>();
  locations.adopt(names);
  const ElfSymbols::Symbol* last = nullptr;
  std::string_view last_name;
  for (const std::size_t i : order) {
    Location& location = locations[i];
    if (!questions.empty() && questions.back().location->pc == location.pc) continue;
    const std::uint64_t address = location.pc - back;
    if (const ElfSymbols::Symbol* symbol = tables.symbols.find(address, last)) {
      if (symbol != last) last_name = names->keep(symbol->name);
      last = symbol;
      location.symbol = last_name;
      location.symbol_offset = location.pc - symbol->start;
    }
    location.is_call_site =
        kind == PcKind::return_address && tables.sites.may_return_to(location.pc, tables.symbols);
    questions.push_back({tables.units.find(address), &location});
  }
  state_->answer(questions, back, locations);
  state_->let_go_of_files();

  // The others copy it. Equal PCs are side by side in `order`, the first asker first.
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (pcs[order[i]] == pcs[order[i - 1]]) locations[order[i]] = locations[order[i - 1]];
  }
  return locations;
}

void Image::store_answers(const Locations& locations) {
  if (state_->cache.empty()) return;
  std::vector<std::size_t> order;
  order.reserve(locations.size());
  for (std::size_t i = 0; i < locations.size(); ++i)
    if (&of(locations[i].pc) == this) order.push_back(i);
  const auto is_before = [&](std::size_t a, std::size_t b) {
    return locations[a].pc < locations[b].pc;
  };
  if (!std::is_sorted(order.begin(), order.end(), is_before))
    std::sort(order.begin(), order.end(), is_before);
  LocationCache::load(state_->cache).store(state_->cache, order, locations);
}

Instrumentation Image::instrumentation() {
  return state_->callback_calls().measure(state_->tables().symbols);
}

FunctionReport Image::find_function(std::string_view name) {
  return search_function(state_->elf.get(), state_->debug.dwarf(), state_->tables().units,
                         state_->callback_calls(), name);
}

}  // namespace kcov::symbol
