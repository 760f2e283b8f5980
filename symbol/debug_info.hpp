// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The debug information of an image, as one thread reads it: libdw's caches are for one.
#pragma once

#include <elfutils/libdw.h>
#include <libelf.h>

#include <cstdint>
#include <memory>
#include <span>

#include "symbol/line_program.hpp"
#include "symbol/location.hpp"

namespace kcov::symbol {

// A PC to look up, and where the answer belongs.
struct Question {
  Dwarf_Off unit;
  Location* location;
};

// Those of one unit, by address.
using UnitQuestions = std::span<const Question>;

class DebugInfo {
 public:
  // The ELF must outlive this.
  explicit DebugInfo(Elf* elf);

  Dwarf* dwarf() const { return dwarf_.get(); }  // null without debug information

  // Sets the frames of the questions' locations, whose symbols are set already. The names are
  // kept in `names`. What is looked up lies so many bytes before each PC: 0 or 1.
  void answer(UnitQuestions questions, std::uint64_t back, Names& names);

 private:
  struct CloseDwarf {
    void operator()(Dwarf* dwarf) const { dwarf_end(dwarf); }
  };
  std::unique_ptr<Dwarf, CloseDwarf> dwarf_;
  LineSections line_sections_;
};

}  // namespace kcov::symbol
