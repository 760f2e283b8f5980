// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Contract 30 to 33: what ends when.
#include <pthread.h>
#include <sys/syscall.h>

#include <thread>

#include "rules.hpp"

namespace kcov::conformance {
namespace {

RULE(30, close_while_enabled_goes_on_tracing) {
  EXPECT(in_thread([] {
           File file;
           if (file.init() != 0) return 1l;
           const Map map(file);
           map.clear();
           if (file.enable() != 0) return 2l;
           file.close();
           work();
           if (map.own_pcs() != pcs_of_work()) return 3l;  // it goes on
           const File other;
           if (other.init() != 0) return 4l;
           return other.enable() == -EBUSY ? 0l : 5l;
         }),
         0);
  const File next;
  EXPECT(next.init(), 0);
  EXPECT(next.enable(), 0);
  EXPECT(next.disable(), 0);
}

RULE(31, children_and_threads_are_untraced_and_exec_goes_on) {
  pcs_of_work();
  // Room for all that the parent's fork and its page faults leave, on whatever CPU.
  constexpr std::size_t kLarge = 1 << 18;
  const File file;
  EXPECT(file.init(kLarge), 0);
  const Map map(file, kLarge * 8);
  map.clear();
  EXPECT(file.enable(), 0);
  map.store(0, 0);
  const auto is_untraced = [&] {
    for (int i = 0; i < 20; ++i) work();
    if (map.load(0) >= kLarge - 1) return 1;
    return map.own_pcs() == 0 && file.disable() == -EINVAL ? 0 : 2;
  };
  EXPECT(in_child(is_untraced), 0);
  EXPECT(in_thread(is_untraced), 0);
  EXPECT(file.disable(), 0);
  if (subject.host) {
    not_here("exec replaces the program, and its kcov with it");
    return;
  }
  const File traced;
  EXPECT(traced.init(1 << 20), 0);
  const Map records(traced, 8 << 20);
  EXPECT(in_child([&] {
           if (traced.enable() != 0) return 1;
           records.store(0, 0);
           ::execl("/bin/true", "true", nullptr);
           return 2;
         }),
         0);
  EXPECT(records.load(0) > 1000, true);
}

RULE(31, the_common_handle_is_inherited) {
  const File file;
  EXPECT(file.init(), 0);
  std::uint64_t handle = 1;
  EXPECT(run(common_handle(), &handle), 0);
  EXPECT(handle, 0);
  EXPECT(remote_enable(file, {.common = common(77)}), 0);
  EXPECT(run(common_handle(), &handle), 0);
  EXPECT(handle, common(77));
  const auto inherited = [] {
    std::uint64_t found = 0;
    return run(common_handle(), &found) == 0 ? static_cast<int>(found) : -1;
  };
  EXPECT(in_child(inherited), 77);
  EXPECT(in_child([&] {
           const File own;
           if (own.init() != 0 || own.enable() != 0 || own.disable() != 0) return -1;
           return inherited();
         }),
         subject.stock ? 0 : 77);
  if (subject.host) {
    not_here("a new thread inherits no handle: nothing tells who made it");
  } else {
    EXPECT(in_thread(inherited), 77);
  }
  EXPECT(file.disable(), 0);
  EXPECT(run(common_handle(), &handle), 0);
  EXPECT(handle, 0);
  // Only for what works for the task: not in an interrupt that came upon it.
  EXPECT(remote_enable(file, {.common = common(78)}), 0);
  EXPECT(run(enter(KCOV_TEST_HARD, common_handle()), &handle), 0);
  EXPECT(handle, 0);
  EXPECT(file.disable(), 0);
}

pthread_key_t exit_key;
void work_at_exit(void*) { work(); }

RULE(32, exit_disables_first_and_another_may_enable) {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  map.clear();
  if (subject.host) {
    EXPECT(::pthread_key_create(&exit_key, work_at_exit), 0);
    EXPECT(in_thread([&] {
             ::pthread_setspecific(exit_key, &map);
             const long enabled = file.enable();
             work();
             return enabled;
           }),
           0);
    ::pthread_key_delete(exit_key);
    EXPECT(map.own_pcs(), pcs_of_work());
  } else {
    EXPECT(in_child([&] {
             if (file.enable() != 0) return 1;
             // Twice: the first store faults, and the fault is recorded.
             map.store(0, 0);
             map.store(0, 0);
             // By hand: the library's own way there would touch pages for the first time.
             asm volatile("syscall" : : "a"(SYS_exit_group), "D"(0) : "rcx", "r11", "memory");
             return 2;
           }),
           0);
    // The way into exit_group; what exit does takes thousands.
    const std::uint64_t count = map.load(0);
    EXPECT(count > 0 && count < 100, true);
  }
  EXPECT(file.enable(), 0);
  EXPECT(file.disable(), 0);
  EXPECT(in_thread([&] { return file.enable(); }), 0);
  EXPECT(file.enable(), 0);
  EXPECT(file.disable(), 0);
  // The same for one that enabled it for remote coverage: its handles are free again.
  for (int round = 0; round < 3; ++round)
    EXPECT(
        in_thread([&] { return remote_enable(file, {.handles = {usb(5)}, .common = common(5)}); }),
        0);
}

RULE(33, the_last_reference_frees) {
  // Descriptors that are closed while a thread traces into them, or stands for them, are
  // freed when it ends: 250 buffers of 2 MB each would be seen.
  const long before = megabytes_in_use();
  EXPECT(before > 0, true);
  for (int i = 0; i < 250; ++i) {
    EXPECT(in_thread([i] {
             File file;
             if (file.init(256 << 10) != 0) return 1l;
             if ((i % 2 == 0 ? file.enable() : remote_enable(file, {.handles = {usb(6)}})) != 0)
               return 2l;
             file.close();
             work();
             return 0l;
           }),
           0);
    if (failures() != 0) break;
  }
  EXPECT(megabytes_in_use() - before < 100, true);
}

RULE(33, a_section_holds_its_descriptor) {
  for (int round = 0; round < 20; ++round) {
    TestFile test;
    {
      File file;
      EXPECT(file.init(), 0);
      EXPECT(remote_enable(file, {.handles = {usb(7)}}), 0);
      kcov_test_program program =
          program_of({start(usb(7)), blocks(2), gate(), blocks(2), stop()}, true);
      EXPECT(test.run(program), 0);
      EXPECT(test.arrived(), 0);
      EXPECT(file.disable(), 0);
    }
    // Closed and disabled; the section ends after that.
    EXPECT(test.open_gate(), 0);
    EXPECT(test.join(), 0);
  }
}

RULE(0, many_threads_enable_disable_close_and_exit) {
  const File shared;
  EXPECT(shared.init(), 0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&shared, i] {
      for (int round = 0; round < 100; ++round) {
        File own;
        own.init(512);
        const auto instance = static_cast<std::uint64_t>(i * 1000 + round);
        if (own.enable() == 0 && round % 3 != 0) own.disable();
        if (shared.enable() == 0) shared.disable();
        if (remote_enable(shared, {.handles = {usb(instance)}}) == 0) {
          work();
          shared.disable();
        }
        if (round % 5 == 0) own.close();
        own.disable();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT(shared.enable(), 0);
  EXPECT(shared.disable(), 0);
}

}  // namespace
}  // namespace kcov::conformance
