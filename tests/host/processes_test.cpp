// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A descriptor that several processes share (contract 1, 9 and 33), with the buffer
// made in any of them.
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "support.hpp"

namespace kcov::test {
namespace {

// A forked child that does `first`, waits for finish(), and does `last`.
class Child {
 public:
  Child(const std::function<int()>& first, const std::function<int()>& last) {
    int up[2];
    int down[2];
    EXPECT_EQ(0, pipe(up));
    EXPECT_EQ(0, pipe(down));
    process_ = fork();
    if (process_ == 0) {
      // Else the other end would never be seen to close.
      ::close(down[1]);
      const int result = first();
      char byte = 0;
      if (result != 0 || write(up[1], &byte, 1) != 1 || read(down[0], &byte, 1) != 1)
        _exit(result != 0 ? result : 100);
      _exit(last());
    }
    ::close(up[1]);
    ::close(down[0]);
    char byte = 0;
    EXPECT_EQ(1, read(up[0], &byte, 1)) << "the child did not get there";
    ::close(up[0]);
    go_ = down[1];
  }
  // The child's exit status, or 1000 plus the signal that killed it.
  int finish() {
    char byte = 0;
    EXPECT_EQ(1, write(go_, &byte, 1));
    ::close(go_);
    int status = 0;
    EXPECT_EQ(process_, waitpid(process_, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

 private:
  pid_t process_ = -1;
  int go_ = -1;
};

// Memory of this process alone, where the system next puts maps of this size: where
// another process of the same past has put its buffer, if it made one since.
class OwnMemory {
 public:
  OwnMemory() {
    for (auto& page : pages_)
      page = static_cast<std::uint64_t*>(
          mmap(nullptr, 8 * kWords, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  }
  ~OwnMemory() {
    for (auto* const page : pages_) munmap(page, 8 * kWords);
  }
  bool untouched() const {
    for (const auto* const page : pages_)
      for (std::size_t word = 0; word < kWords; ++word)
        if (page[word] != 0) return false;
    return true;
  }
  OwnMemory(const OwnMemory&) = delete;
  OwnMemory& operator=(const OwnMemory&) = delete;

 private:
  std::uint64_t* pages_[16];
};

// Enables, traces, disables; 0, or which step went wrong.
int trace(const File& file, unsigned long words = kWords) {
  const OwnMemory own;
  Map map(file.fd(), words);
  if (map.error() != 0) return 11;
  map.set(0, 0);
  if (file.enable() != 0) return 12;
  run(5);
  if (file.disable() != 0) return 13;
  if (map.count() == 0) return 14;
  return own.untouched() ? 0 : 15;
}

int nothing() { return 0; }

TEST(HostProcesses, Rule01_a_childs_buffer_is_its_parents_while_the_child_lives) {
  File file;
  Child child([&] { return file.init(kWords); }, [&] { return trace(file); });
  EXPECT_EQ(0, trace(file));
  EXPECT_EQ(0, child.finish());
  EXPECT_EQ(0, trace(file));
}

TEST(HostProcesses, Rule01_a_childs_buffer_is_its_parents_after_the_child_has_ended) {
  File file;
  EXPECT_EQ(0, in_child([&] { return file.init(kWords); }));
  EXPECT_EQ(0, trace(file));
}

TEST(HostProcesses, Rule01_a_parents_buffer_is_that_of_a_child_that_was_there_before) {
  File file;
  Child child(nothing, [&] { return trace(file); });
  ASSERT_EQ(0, file.init(kWords));
  EXPECT_EQ(0, child.finish());
  EXPECT_EQ(0, trace(file));
}

TEST(HostProcesses, Rule01_siblings_and_grandchildren_share_a_buffer) {
  File file;
  Child first([&] { return file.init(kWords); }, nothing);
  Child second([&] { return trace(file); }, [&] { return in_child([&] { return trace(file); }); });
  EXPECT_EQ(0, first.finish());
  EXPECT_EQ(0, second.finish());
  EXPECT_EQ(0, trace(file));
}

TEST(HostProcesses, Rule05_a_childs_buffer_may_be_the_largest) {
  File file;
  EXPECT_EQ(0, in_child([&] { return file.init(268435455); }));
  EXPECT_EQ(EBUSY, file.init(268435455));
  EXPECT_EQ(EBUSY, file.init(kWords));
}

TEST(HostProcesses, Rule09_a_record_of_each_process_is_seen_by_the_others) {
  File file;
  Child child([&] { return file.init(kWords); },
              [&] {
                Map seen(file.fd(), kWords);
                return seen.error() == 0 && seen.count() != 0 ? 0 : 1;
              });
  const OwnMemory own;
  Map map(file.fd(), kWords);
  ASSERT_EQ(0, file.enable());
  run(5);
  ASSERT_EQ(0, file.disable());
  const std::uint64_t count = map.count();
  EXPECT_LT(0u, count);
  EXPECT_EQ(0, child.finish());
  EXPECT_EQ(count, map.count());
}

TEST(HostProcesses, Rule33_the_parent_closes_first_and_keeps_nothing) {
  const Memory before;
  File file;
  Child child([&] { return file.init(kWords); },
              [&] {
                const int traced = trace(file);
                return traced != 0 ? traced : file.close();
              });
  EXPECT_EQ(0, file.close());
  EXPECT_EQ(before, Memory{});
  EXPECT_EQ(0, child.finish());
}

TEST(HostProcesses, Rule33_the_child_closes_first_and_keeps_nothing) {
  const Memory before;
  File file;
  Child child(
      [&] {
        if (file.init(kWords) != 0 || file.close() != 0) return 1;
        return before == Memory{} ? 0 : 2;
      },
      nothing);
  EXPECT_EQ(0, trace(file));
  EXPECT_EQ(0, file.close());
  EXPECT_EQ(before, Memory{});
  EXPECT_EQ(0, child.finish());
}

TEST(HostProcesses, Rule33_a_child_that_never_closes_keeps_nothing_of_its_parents) {
  const Memory before;
  File file;
  EXPECT_EQ(0, in_child([&] { return file.init(kWords); })) << "it leaves through _exit()";
  EXPECT_EQ(0, trace(file));
  EXPECT_EQ(0, file.close());
  EXPECT_EQ(before, Memory{});
}

// Where an area lies in this process: the first of the maps.
std::uintptr_t area_address() {
  FILE* const maps = std::fopen("/proc/self/maps", "re");
  std::uintptr_t found = 0;
  char line[4096];
  while (found == 0 && std::fgets(line, sizeof line, maps) != nullptr)
    if (std::strstr(line, "memfd:kcov") != nullptr) found = std::strtoull(line, nullptr, 16);
  std::fclose(maps);
  return found;
}

// The last to close takes down its own map, not what of its own memory lies where
// another process had one.
TEST(HostProcesses, Rule33_the_last_close_leaves_the_memory_of_its_own_process_alone) {
  int addresses[2];
  ASSERT_EQ(0, pipe(addresses));
  File file;
  EXPECT_EQ(0, in_child([&] {
              if (file.init(kWords) != 0) return 1;
              const std::uintptr_t address = area_address();
              const bool told = write(addresses[1], &address, sizeof address) == sizeof address;
              return told ? file.close() : 2;
            }));
  std::uintptr_t address = 0;
  ASSERT_EQ(static_cast<ssize_t>(sizeof address), read(addresses[0], &address, sizeof address));
  ASSERT_NE(0u, address);
  // There if it is free, elsewhere if not.
  void* const own = mmap(reinterpret_cast<void*>(address), 4096, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(MAP_FAILED, own);
  EXPECT_EQ(0, file.close());
  unsigned char resident;
  EXPECT_EQ(0, mincore(own, 4096, &resident)) << "unmapped: " << errno;
  munmap(own, 4096);
  ::close(addresses[0]);
  ::close(addresses[1]);
}

TEST(HostProcesses, Rule31_what_only_a_traced_thread_keeps_is_not_the_childs) {
  const Memory before;
  std::thread([&] {
    File file;
    ASSERT_EQ(0, file.init(kWords));
    ASSERT_EQ(0, file.enable());
    ASSERT_EQ(0, file.close());
    EXPECT_EQ(0, in_child([&] {
                if (before != Memory{}) return 1;
                File fresh;
                if (fresh.init(kWords) != 0) return 2;
                return trace(fresh);
              }));
    run(5);
  }).join();
  EXPECT_EQ(before, Memory{});
}

// A fork may fall anywhere into another thread's INIT.
// What the library has open for itself in a call is not for the children that are made then.
TEST(HostProcesses, A_fork_in_the_midst_of_a_map_takes_no_descriptor_along) {
  File file;
  ASSERT_EQ(0, file.init(kWords));
  std::atomic<bool> done = false;
  std::thread mapper([&] {
    while (!done) const Map map(file.fd(), kWords);
  });
  int worst = 0;
  for (int i = 0; i < 300 && worst == 0; ++i) {
    worst = in_child([] {
      int found = 0;
      for (int fd = 0; fd < 64; ++fd) {
        char path[32];
        char target[32] = {};
        std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink(path, target, sizeof target - 1) > 0)
          found += std::strncmp(target, "/memfd:kcov", 11) == 0;
      }
      return found - 1;
    });
  }
  done = true;
  mapper.join();
  EXPECT_EQ(0, worst);
}

TEST(HostProcesses, Rule07_a_fork_in_the_midst_of_INIT) {
  for (int round = 0; round < 200; ++round) {
    File file;
    std::atomic<bool> started = false;
    std::atomic<bool> forked = false;
    std::thread initialising([&] {
      started = true;
      const int result = file.init(kWords);
      EXPECT_TRUE(result == 0 || result == EBUSY) << result;
      // ThreadSanitizer has the child answer for a thread that has ended.
      while (!forked) std::this_thread::yield();
    });
    while (!started) std::this_thread::yield();
    EXPECT_EQ(0, in_child([&] {
                const int result = file.init(kWords);
                return result != 0 && result != EBUSY ? 1 : trace(file);
              }));
    forked = true;
    initialising.join();
    EXPECT_EQ(0, trace(file));
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// The sanitizers need all the address space there is.
TEST(HostProcesses, Little_address_space_is_enough_for_a_childs_buffer_and_for_the_program) {
  EXPECT_EQ(0, in_child([] {
              const rlimit limit{std::size_t{1} << 30, std::size_t{1} << 30};
              if (setrlimit(RLIMIT_AS, &limit) != 0) return 1;
              File small;
              File large;
              constexpr unsigned long kTooLarge = 1ul << 26;
              if (in_child([&] { return small.init(64 * kWords); }) != 0) return 2;
              if (in_child([&] { return large.init(kTooLarge); }) != ENOMEM) return 3;
              void* const rest = mmap(nullptr, std::size_t{1} << 29, PROT_READ,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              if (rest == MAP_FAILED) return 4;
              return trace(small, 64 * kWords);
            }));
}
#endif

}  // namespace
}  // namespace kcov::test
