// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the functions of a kernel mean to whoever cuts a trace: looked up once for each
// distinct PC, because a trace holds each of them thousands of times.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kcov::coverage {

// Records from `begin` to before `end`.
struct Range {
  std::uint32_t begin;
  std::uint32_t end;
};

// The first of the records from `begin` to before `end` whose PC has a flag that is not 0; or
// `end`. For flags that few have: a trace has tens of millions of records.
template <typename Flag>
std::uint32_t first_flagged(std::span<const std::uint32_t> records, std::span<const Flag> flags,
                            std::uint32_t begin, std::uint32_t end) {
  const auto flag = [&](std::uint32_t i) { return static_cast<unsigned>(flags[records[i]]); };
  std::uint32_t i = begin;
  for (; end - i >= 8; i += 8) {
    if ((flag(i) | flag(i + 1) | flag(i + 2) | flag(i + 3) | flag(i + 4) | flag(i + 5) |
         flag(i + 6) | flag(i + 7)) != 0)
      break;
  }
  while (i < end && flag(i) == 0) ++i;
  return i;
}

// What begins when a function is entered.
enum class Root : std::uint8_t {
  none,
  call_marker,      // where every system call passes: handle_syscall
  system_call,      // of one call: __se_sys_read
  fault,            // called by nobody but the architecture's fault handler
  trap,             // the same of other traps
  signal,           // get_signal
  handle_mm_fault,  // a fault, unless somebody else calls it
  force_sig_fault,  // a fault for which there is no memory, after the look-up
};

// What a function has to do with the stops of a task that is followed by ptrace.
enum class Stop : std::uint8_t {
  none,
  way,           // ptrace_notify and what stands between it and ptrace_stop
  ptrace_stop,   // where the task sleeps
  awake,         // called there once it is awake again
  follow,        // of a new task: it is to be followed too
  after_follow,  // directly behind that; elsewhere it is the program's own affair
};

struct Function {
  std::string_view name;    // without the compiler's suffixes
  std::uint32_t group = 0;  // the first function of that name
  Root root = Root::none;
  Stop stop = Stop::none;
  bool cold = false;               // the unlikely part, laid out elsewhere
  bool fault_preamble = false;     // looks up the area of a fault
  bool fault_caller = false;       // calls handle_mm_fault on behalf of a system call
  bool looks_for_signals = false;  // and finds none, if nothing else is called
  std::string call;                // the system call that it is the entry of: "read"
};

// The distinct PCs of traces, and the functions they lie in.
class Code {
 public:
  // `symbols`: of each PC, as symbol::Image::locate() gives it; they must outlive this.
  Code(std::span<const std::uint64_t> pcs, std::span<const std::string_view> symbols);

  std::uint64_t pc(std::uint32_t index) const { return pcs_[index]; }
  std::uint32_t function_of(std::uint32_t index) const { return functions_of_[index]; }
  const Function& function(std::uint32_t number) const { return functions_[number]; }
  // The same as of its function, at once: they are asked for each record.
  std::uint32_t group_of(std::uint32_t index) const { return groups_of_[index]; }
  Stop stop_of(std::uint32_t index) const { return stops_of_[index]; }
  std::span<const Stop> stops() const { return stops_of_; }
  std::size_t pc_count() const { return pcs_.size(); }
  std::size_t function_count() const { return functions_.size(); }

 private:
  std::vector<std::uint64_t> pcs_;
  std::vector<std::uint32_t> functions_of_;
  std::vector<std::uint32_t> groups_of_;
  std::vector<Stop> stops_of_;
  std::vector<Function> functions_;
};

// "read" for "__se_sys_read", "__x64_sys_read", "sys_read"; empty for what is no entry
// of a system call.
std::string system_call_name(std::string_view symbol);

// Whether a function of this name is part of a stop, wherever it was inlined.
bool is_of_stop(std::string_view function);

// Whether a function of this name begins entries, or stands between an entry's beginning
// and the work done for it.
bool is_entry_function(std::string_view symbol);

// The name of a system call that is seen to begin, but none of whose code is instrumented.
inline constexpr std::string_view kUnnamed = "(not instrumented)";

}  // namespace kcov::coverage
