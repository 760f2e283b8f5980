// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Cutting traces into entries, on traces written out as "symbol:block".
#include "coverage/entries.hpp"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <sstream>

namespace kcov::coverage {
namespace {

// "f:0 f:1 g:0" -> PCs, block numbers within functions; the entries as "name(records)".
std::string cut(const std::string& text) {
  static std::map<std::string, std::uint64_t> functions;
  std::vector<std::uint64_t> pcs;
  std::vector<std::string> names;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) {
    const std::size_t colon = word.find(':');
    const std::string function = word.substr(0, colon);
    const std::uint64_t base =
        functions.try_emplace(function, 0x1000 * (functions.size() + 1)).first->second;
    pcs.push_back(base + std::stoul(word.substr(colon + 1)));
    names.push_back(function);
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  std::vector<std::uint32_t> records(pcs.size());
  std::iota(records.begin(), records.end(), std::uint32_t{0});
  std::string result;
  for (const Entry& entry : cut_into_entries(records, Code(pcs, views))) {
    if (!result.empty()) result += " ";
    result += entry.name + "(";
    entry.for_each_record([&](std::uint32_t record) {
      result += (result.back() == '(' ? "" : ",") + std::to_string(record);
    });
    result += ")";
  }
  return result;
}

TEST(Entries, each_system_call_begins_at_its_entry_function) {
  EXPECT_EQ(cut("__se_sys_read:0 ksys_read:0 __se_sys_read:1 __se_sys_close:0 __x64_sys_stat:0"),
            "read(0,1,2) close(3) stat(4)");
}

TEST(Entries, the_same_call_twice_is_two_entries) {
  EXPECT_EQ(cut("__se_sys_read:0 ksys_read:0 __se_sys_read:0 ksys_read:0"), "read(0,1) read(2,3)");
}

TEST(Entries, the_functions_that_one_call_is_made_of_begin_it_once) {
  EXPECT_EQ(cut("__x64_sys_brk:0 __se_sys_brk:0 __do_sys_brk:0 x:0 __se_sys_brk:0 __do_sys_brk:0"),
            "brk(0,1,2,3) brk(4,5)");
}

TEST(Entries, the_cold_part_of_a_function_begins_nothing) {
  EXPECT_EQ(cut("__se_sys_read:0 ksys_read:0 __se_sys_read.cold:0 x:0 __se_sys_write.isra.0:0 "
                "__se_sys_close.constprop.0:0"),
            "read(0,1,2,3) write(4) close(5)");
  EXPECT_EQ(cut("handle_syscall:0 __se_sys_read:0 relay_signal.cold:0 segv.cold:0 "
                "handle_mm_fault.cold:0 get_signal.cold:0 handle_syscall:0 sys_getpid:0"),
            "read(0,1,2,3,4,5) getpid(6,7)");
  // But it shows that an interrupted call goes on.
  EXPECT_EQ(cut("__se_sys_read:0 find_vma:0 handle_mm_fault:0 __se_sys_read.cold:1 y:0"),
            "read(0,3,4) page fault(1,2)");
}

TEST(Entries, a_page_fault_between_calls_is_counted_to_neither) {
  EXPECT_EQ(cut("__se_sys_read:0 find_vma:0 mas_walk:0 handle_mm_fault:0 x:0 __se_sys_write:0"),
            "read(0) page fault(1,2,3,4) write(5)");
}

TEST(Entries, page_faults_in_a_row_are_separate) {
  EXPECT_EQ(cut("find_vma:0 handle_mm_fault:0 find_vma:0 handle_mm_fault:0"),
            "page fault(0,1) page fault(2,3)");
}

TEST(Entries, a_call_goes_on_after_a_page_fault_in_its_midst) {
  EXPECT_EQ(cut("__se_sys_read:0 ksys_read:0 find_vma:0 handle_mm_fault:0 alloc:0 ksys_read:1 y:0 "
                "__se_sys_read:1 __se_sys_close:0"),
            "read(0,1,5,6,7) page fault(2,3,4) close(8)");
}

TEST(Entries, a_fault_taken_by_hand_belongs_to_the_call) {
  EXPECT_EQ(cut("__se_sys_mlock:0 faultin_page:0 handle_mm_fault:0 faultin_page:1"),
            "mlock(0,1,2,3)");
}

TEST(Entries, an_instrumented_fault_handler_begins_one_fault) {
  EXPECT_EQ(cut("do_user_addr_fault:0 handle_mm_fault:0 do_user_addr_fault:1 handle_mm_fault:0"),
            "page fault(0,1,2,3)");
}

TEST(Entries, a_signal_is_an_entry_of_its_own) {
  EXPECT_EQ(
      cut("__se_sys_kill:0 send:0 get_signal:0 dequeue:0 get_signal:1 __se_sys_rt_sigreturn:0"),
      "kill(0,1) signal(2,3,4) rt_sigreturn(5)");
}

TEST(Entries, a_signals_delivery_goes_on_after_a_page_fault_in_its_midst) {
  EXPECT_EQ(cut("__se_sys_kill:0 get_signal:0 find_vma:0 handle_mm_fault:0 get_signal:1 z:0"),
            "kill(0) signal(1,4,5) page fault(2,3)");
}

TEST(Entries, a_fault_without_memory_is_not_counted_to_the_call_before) {
  EXPECT_EQ(cut("sys_getpid:0 find_vma:0 mt_find:0 force_sig_fault:0 send:0 get_signal:0"),
            "getpid(0) page fault(1,2,3,4) signal(5)");
  // A system call that sends the signal itself is another matter.
  EXPECT_EQ(cut("__se_sys_rseq:0 force_sig_fault:0"), "rseq(0,1)");
}

TEST(Entries, a_loop_at_the_head_of_a_call_is_one_call) {
  EXPECT_EQ(cut("sys_pause:66 sys_pause:34 sys_pause:45 sys_pause:66 sys_pause:105 sys_getpid:0"),
            "pause(0,1,2,3,4) getpid(5)");
  EXPECT_EQ(cut("sys_pause:66 sys_pause:34 sys_getpid:0 sys_pause:66 sys_pause:34"),
            "pause(0,1) getpid(2) pause(3,4)");
}

TEST(Entries, marked_calls_begin_at_the_marker) {
  EXPECT_EQ(
      cut("handle_syscall:0 sys_getpid:0 handle_syscall:0 handle_syscall:0 cap_x:0 "
          "handle_syscall:0 __se_sys_read:0 __do_sys_read:0 handle_syscall:5 handle_syscall:0 "
          "__se_sys_read:0"),
      "getpid(0,1) (not instrumented)(2) (not instrumented)(3,4) read(5,6,7,8) read(9,10)");
}

TEST(Entries, on_x86_64_the_marker_is_followed_by_the_call_s_case) {
  EXPECT_EQ(cut("x64_sys_call:0 x64_sys_call:48 __x64_sys_getpid:0 x64_sys_call:0 x64_sys_call:96 "
                "x64_sys_call:0 x64_sys_call:32 __x64_sys_read:0 __x64_sys_read:7 "
                "handle_invalid_op:0 error_get_trap_addr:0 do_error_trap:0 force_sig_fault:0"),
            "getpid(0,1,2) (not instrumented)(3,4) read(5,6,7,8) trap(9,10,11,12)");
}

TEST(Entries, a_fault_on_x86_64_ends_in_exc_page_fault) {
  EXPECT_EQ(cut("x64_sys_call:0 __x64_sys_read:0 kmmio_fault.constprop.0:0 "
                "fault_in_kernel_space:0 do_user_addr_fault:0 lock_mm_and_find_vma:0 "
                "do_user_addr_fault:9 exc_page_fault:50 __x64_sys_read:7 "
                "kmmio_fault.constprop.0:0 do_user_addr_fault:0 handle_mm_fault:0 "
                "exc_page_fault:50 x64_sys_call:0 __x64_sys_close:0"),
            "read(0,1,8) page fault(2,3,4,5,6,7) page fault(9,10,11,12) close(13,14)");
}

TEST(Entries, marked_faults_and_traps_are_entries_of_their_own) {
  EXPECT_EQ(
      cut("handle_syscall:0 sys_getpid:0 segv_handler:0 segv:0 handle_page_fault:0 find_vma:0 "
          "handle_mm_fault:0 segv:1 segv_handler:0 segv:0 force_sig_fault:0 get_signal:0 "
          "relay_signal:0 force_sig_fault:0"),
      "getpid(0,1) page fault(2,3,4,5,6,7) page fault(8,9,10) signal(11) trap(12,13)");
}

TEST(Entries, what_stands_before_the_first_entry_is_kept_apart) {
  EXPECT_EQ(cut("kcov_ioctl:3 __se_sys_read:0"), "(before)(0) read(1)");
}

TEST(Entries, an_empty_trace_has_no_entries) { EXPECT_EQ(cut(""), ""); }

TEST(Entries, names_are_those_of_the_calls) {
  EXPECT_EQ(system_call_name("__se_sys_newfstat"), "fstat");
  EXPECT_EQ(system_call_name("__x64_sys_newuname"), "uname");
  EXPECT_EQ(system_call_name("sys_getpid"), "getpid");
  EXPECT_EQ(system_call_name("__se_sys_read.constprop.0"), "read");
  EXPECT_EQ(system_call_name("sys_ni_syscall"), "(not implemented)");
  EXPECT_EQ(system_call_name("sys_fillrect"), "");
  EXPECT_EQ(system_call_name("ksys_read"), "");
  EXPECT_EQ(system_call_name("sysfs_read"), "");
  EXPECT_EQ(system_call_name(""), "");
}

// What ptrace adds, and nothing else, is taken out of a call: to its second ptrace_stop,
// where the task is awake again.
TEST(TracerStops, a_stop_in_a_call_is_no_part_of_it) {
  EXPECT_EQ(cut("handle_syscall:0 __se_sys_clone:0 kernel_clone:0 ptrace_notify:0 "
                "ptrace_do_notify:0 ptrace_stop.part.0:0 wake:0 ptrace_stop.part.0:1 "
                "ptrace_do_notify:1 kernel_clone:1 wake:0"),
            "clone(0,1,2,9,10) (tracer)(3,4,5,6,7,8)");
}

TEST(TracerStops, a_signal_is_more_than_its_stop) {
  EXPECT_EQ(cut("handle_syscall:0 __se_sys_kill:0 get_signal:0 dequeue_signal:0 ptrace_stop:0 "
                "wake:0 ptrace_stop:1 get_signal:1 setup_frame:0"),
            "kill(0,1) signal(2,3,7,8) (tracer)(4,5,6)");
}

// Asked to stop (for draining, or just made), a task looks for signals and finds none.
TEST(TracerStops, a_look_for_signals_that_finds_none_is_the_tracers) {
  EXPECT_EQ(cut("ptrace_stop:1 recalc_sigpending_tsk:0 ptrace_do_notify:1 get_signal:1 "
                "dequeue_signal:0 get_signal:2 handle_syscall:0 __se_sys_read:0"),
            "(tracer)(0,1,2) (tracer)(3,4,5) read(6,7)");
}

// What a trace begins with is all taken by a fault, and goes on behind another one.
TEST(Entries, stand_in_the_order_of_their_first_records_whatever_a_fault_took) {
  EXPECT_EQ(cut("mt_find:0 handle_mm_fault:0 alloc:0 segv:0 x:0 mt_find:1"),
            "page fault(0,1,2) page fault(3,4) (before)(5)");
}

// What begins nothing is passed over eight records at a time.
TEST(Entries, however_many_records_come_between_a_fault_is_cut_out_and_the_call_goes_on) {
  for (std::size_t between = 0; between < 40; ++between) {
    std::string text = "handle_syscall:0 __se_sys_read:0 copy:0";
    std::string call = "read(0,1,2";
    std::size_t at = 3;
    const auto work = [&](std::size_t count) {
      for (std::size_t i = 0; i < count; ++i, ++at) {
        text += " copy:" + std::to_string(1 + i % 3);
        call += "," + std::to_string(at);
      }
    };
    work(between + 1);
    text += " segv:0 handle_mm_fault:0 alloc:0";
    const std::size_t fault = at;
    at += 3;
    work(between + 1);
    EXPECT_EQ(cut(text), call + ") page fault(" + std::to_string(fault) + "," +
                             std::to_string(fault + 1) + "," + std::to_string(fault + 2) + ")");
  }
}

TEST(Entries, the_first_record_with_a_flag_is_found_wherever_it_stands) {
  std::vector<std::uint32_t> records(64);
  std::iota(records.begin(), records.end(), std::uint32_t{0});
  for (std::uint32_t flagged = 0; flagged < 64; ++flagged) {
    std::vector<std::uint8_t> flags(64);
    flags[flagged] = 4;
    for (std::uint32_t begin = 0; begin <= 64; ++begin)
      for (std::uint32_t end = begin; end <= 64; ++end)
        ASSERT_EQ((first_flagged<std::uint8_t>(records, flags, begin, end)),
                  flagged >= begin && flagged < end ? flagged : end);
  }
}

TEST(TracerStops, a_new_task_that_is_to_be_followed_is_told_so_in_its_makers_call) {
  EXPECT_EQ(cut("handle_syscall:0 __se_sys_clone:0 copy_process:0 __ptrace_link:0 "
                "task_set_jobctl_pending:0 copy_process:1"),
            "clone(0,1,2,5) (tracer)(3,4)");
}

// Lost in the midst of it: what follows is not swallowed.
TEST(TracerStops, a_stop_that_is_cut_off_ends_nowhere) {
  EXPECT_EQ(cut("handle_syscall:0 __se_sys_clone:0 ptrace_notify:0 x:0 y:0"),
            "clone(0,1,3,4) (tracer)(2)");
  // Its first half was lost, and it is taken for a beginning: but not beyond the call.
  EXPECT_EQ(cut("handle_syscall:0 __se_sys_getpid:0 ptrace_stop:1 get_signal:0 "
                "handle_syscall:0 __se_sys_getppid:0 handle_syscall:0 __se_sys_kill:0 "
                "get_signal:0 ptrace_stop:0 wake:0 ptrace_stop:1"),
            "getpid(0,1) (tracer)(2) (tracer)(3) getppid(4,5) kill(6,7) (tracer)(8) "
            "(tracer)(9,10,11)");
}

// A program's own SIGSTOP sets such bits, too.
TEST(TracerStops, what_ptrace_is_not_the_reason_of_stays_in_the_call) {
  EXPECT_EQ(cut("handle_syscall:0 __se_sys_kill:0 task_set_jobctl_pending:0 complete_signal:0"),
            "kill(0,1,2,3)");
}

}  // namespace
}  // namespace kcov::coverage
