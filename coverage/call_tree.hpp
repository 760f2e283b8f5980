// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What an entry into the kernel executed, as the tree of calls that its trace shows.
//
//   openat
//     handle_syscall
//       __se_sys_openat
//         do_sys_open x2            twice, in the same way: one node
//           getname, inlined        exactly there: debug information says so
//             kmem_cache_alloc
//
// A function is a node for each time that it was called, one that was inlined for each place of
// its caller; but of those below one call, such as are alike (the same functions below them, in
// the same order) are one node, where the first of them was.
//
// What the trace cannot tell (call_walk.hpp has how the rest is told):
//   - A function that returns into the midst of a block leaves no trace of that. When its
//     caller's next call follows and no other part of the recording shows how these blocks
//     go on, that call is shown below the function that has returned, one level too deep.
//   - A function that calls itself and one that is called again by its caller look the same
//     where that caller records nothing between; and so do, at a function's head, a loop and a
//     further call, if the loop begins at the lowest block.
//   - Code that is not instrumented (the scheduler, callbacks through it) is not there: what it
//     calls is shown below who called it.
//   - Where a call stands among the inlined functions of its caller is seen by the blocks before
//     and after it: it is put below the innermost function that both lie in, or, with none after
//     it, below the one around the innermost of the block before.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coverage/call_walk.hpp"

namespace kcov::coverage {

// The texts are the recording's.
struct CallNode {
  std::string_view function = {};  // the symbol where there is no debug information
  std::string_view file = {};      // empty: not known
  int line = 0;                    // where its execution began; 0: not known
  bool is_inlined = false;
  bool has_begun = true;      // false: its beginning is not in the entry
  std::uint64_t times = 1;    // that it was called in this way
  std::uint64_t records = 0;  // with all below it
  std::uint32_t shape = 0;    // equal for trees of one CallTrees that differ in numbers at most
  std::vector<CallNode> calls = {};
};

class CallTrees {
 public:
  // Whether functions of header files that were inlined and have called nothing are nodes: they
  // are most of all, and say little of the way that was taken. Their records are the caller's
  // else.
  enum class Accessors { shown, left_out };

  // The recording must outlive it, and what it gives.
  CallTrees(const Recording& recording, Accessors accessors);

  // The root stands for the entry itself: its name, and all of its records.
  CallNode of(const Task& task, const Entry& entry);
  // The shape of the entry's tree, if of() has made that of one that executed the very same.
  std::optional<std::uint32_t> known_shape(const Task& task, const Entry& entry) const;

 private:
  class Builder;
  // One function that a location lies in.
  struct Place {
    std::uint32_t name;  // of names_
    int call_line;       // in the next outer one; 0 for the outermost
    int line;
  };
  struct Name {
    std::string_view function;
    std::string_view file;
  };

  std::uint32_t number_of(std::string_view function, std::string_view file);
  std::uint32_t shape_of(const CallNode& node, std::uint32_t name);

  const bool shows_accessors_;
  Blocks blocks_;
  Habits habits_;
  std::vector<Name> names_;
  std::map<std::pair<std::string_view, std::string_view>, std::uint32_t> numbers_;  // of names
  std::vector<std::vector<Place>> places_;  // of each location, outermost first
  // A shape by its name and kind and the shapes below it.
  struct Hash {
    std::size_t operator()(const std::vector<std::uint32_t>& numbers) const;
  };
  std::unordered_map<std::vector<std::uint32_t>, std::uint32_t, Hash> shapes_;
  struct Made {
    const Task* task;
    const Entry* entry;
    std::uint32_t shape;
  };
  std::unordered_map<std::uint64_t, Made> made_;  // by hash_of()
  // While children are merged, by shape: the last merge that met it, and where it put it.
  std::vector<std::pair<std::uint64_t, std::size_t>> alike_;
  std::uint64_t merges_ = 0;
  std::vector<std::uint32_t> key_;  // of shapes_, while it is looked up
};

}  // namespace kcov::coverage
