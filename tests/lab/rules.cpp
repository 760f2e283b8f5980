// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The contract on a kernel: run as root where /sys/kernel/debug/kcov is. One function a
// rule; `--stock` says that the kernel's own kcov is under test, and what is then
// expected where ours differs on purpose. Prints a line a rule and a count at the end.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <kcov/device.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

bool stock = false;
int failures_of_rule = 0;

void expect_equal(long long found, long long expected, const char* what, int line) {
  if (found == expected) return;
  ++failures_of_rule;
  std::printf("  line %d: %s: found %lld, expected %lld\n", line, what, found, expected);
}
#define EXPECT(found, expected) expect_equal((found), (expected), #found, __LINE__)

constexpr std::size_t kWords = 4096;
constexpr std::size_t kBytes = kWords * 8;

// A descriptor as system calls see it: results are values or -errno.
class File {
 public:
  explicit File(int flags = O_RDWR) : fd_(::open(kcov::kDevicePath, flags | O_CLOEXEC)) {}
  explicit File(int fd, bool) : fd_(fd) {}
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int fd() const { return fd_; }
  long control(unsigned long command, unsigned long argument) const {
    const int result = ::ioctl(fd_, command, argument);
    return result < 0 ? -errno : result;
  }
  long init(unsigned long words = kWords) const { return control(KCOV_INIT_TRACE, words); }
  long enable(unsigned long mode = KCOV_TRACE_PC) const { return control(KCOV_ENABLE, mode); }
  long disable(unsigned long argument = 0) const { return control(KCOV_DISABLE, argument); }

 private:
  int fd_;
};

class Map {
 public:
  Map(const File& file, std::size_t bytes = kBytes, int prot = PROT_READ | PROT_WRITE,
      int flags = MAP_SHARED, off_t offset = 0)
      : memory_(::mmap(nullptr, bytes, prot, flags, file.fd(), offset)),
        error_(memory_ == MAP_FAILED ? -errno : 0),
        bytes_(bytes) {}
  ~Map() {
    if (error_ == 0) ::munmap(memory_, bytes_);
  }
  Map(const Map&) = delete;
  Map& operator=(const Map&) = delete;
  long error() const { return error_; }
  std::uint64_t load(std::size_t word) const {
    return __atomic_load_n(words() + word, __ATOMIC_RELAXED);
  }
  void store(std::size_t word, std::uint64_t value) const {
    __atomic_store_n(words() + word, value, __ATOMIC_RELAXED);
  }
  void* memory() const { return memory_; }

 private:
  std::uint64_t* words() const { return static_cast<std::uint64_t*>(memory_); }
  void* memory_;
  int error_;
  std::size_t bytes_;
};

long result_of(long value) { return value < 0 ? -errno : value; }
void some_call() { (void)!::read(-1, nullptr, 0); }

// Runs `body` in a child; its result comes back as the exit status.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

long in_thread(const std::function<long()>& body) {
  long result = 0;
  std::thread([&] { result = body(); }).join();
  return result;
}

void rule_01() {
  File a;
  File b;
  EXPECT(a.init(), 0);
  EXPECT(b.enable(), -EINVAL);  // its own state
  EXPECT(b.init(2), 0);
  const File copy(::dup(a.fd()), true);
  EXPECT(copy.init(), -EBUSY);  // the same descriptor
  EXPECT(in_child([&] { return a.init() == -EBUSY ? 0 : 1; }), 0);
  int ends[2];
  EXPECT(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  char byte = 0;
  iovec vector{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int fd = a.fd();
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  EXPECT(::sendmsg(ends[0], &message, 0), 1);
  EXPECT(::recvmsg(ends[1], &message, 0), 1);
  int received = -1;
  std::memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
  const File passed(received, true);
  EXPECT(passed.init(), -EBUSY);
  ::close(ends[0]);
  ::close(ends[1]);
}

void rule_02() {
  const File file;
  char bytes[8] = {};
  EXPECT(result_of(::read(file.fd(), bytes, 8)), -EINVAL);
  EXPECT(result_of(::write(file.fd(), bytes, 8)), -EINVAL);
  EXPECT(result_of(::lseek(file.fd(), 0, SEEK_SET)), -ESPIPE);
  EXPECT(result_of(::pread(file.fd(), bytes, 8, 0)), -ESPIPE);
}

void rule_03() {
  const File file(O_RDONLY);
  EXPECT(file.init(), 0);
  EXPECT(Map(file).error(), -EACCES);
  const Map map(file, kBytes, PROT_READ);
  EXPECT(map.error(), 0);
  EXPECT(file.enable(), 0);
  some_call();
  EXPECT(file.disable(), 0);
  EXPECT(map.load(0) > 0, true);
}

void rule_04() {
  const File file;
  EXPECT(file.control(0x80046301, 0), -ENOTTY);
  EXPECT(file.control(0x6366, 0), -ENOTTY);
  EXPECT(file.control(0, 0), -ENOTTY);
}

void rule_05() {
  const File file;
  for (const unsigned long size : {0ul, 1ul, 268435456ul, 1ul << 32, ~0ul}) {
    EXPECT(file.init(size), -EINVAL);
  }
  EXPECT(file.init(2), 0);
}

void rule_06() {
  const File file;
  EXPECT(file.init(), 0);
  EXPECT(file.init(1), -EINVAL);
  EXPECT(file.init(), -EBUSY);
  EXPECT(file.enable(), 0);
  EXPECT(file.init(1), -EINVAL);
  EXPECT(file.init(), -EBUSY);
  EXPECT(file.disable(), 0);
}

void rule_07() {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  std::uint64_t sum = 0;
  for (std::size_t word = 0; word < kWords; ++word) sum |= map.load(word);
  EXPECT(static_cast<long long>(sum), 0);
  for (int round = 0; round < 200; ++round) {
    const File raced;
    long other = 0;
    std::thread thread([&] { other = raced.init(); });
    const long mine = raced.init();
    thread.join();
    EXPECT((mine == 0 && other == -EBUSY) || (mine == -EBUSY && other == 0), true);
  }
}

void rule_08() {
  const File file;
  EXPECT(Map(file).error(), -EINVAL);
  EXPECT(file.init(), 0);
  EXPECT(Map(file, kBytes, PROT_READ, MAP_SHARED, 4096).error(), -EINVAL);
  EXPECT(Map(file, kBytes - 4096).error(), -EINVAL);
  EXPECT(Map(file, kBytes + 4096).error(), -EINVAL);
  EXPECT(Map(file, kBytes - 1).error(), 0);  // rounded up by mmap itself
  const File odd;
  EXPECT(odd.init(kWords + 1), 0);
  EXPECT(Map(odd, kBytes).error(), -EINVAL);
  EXPECT(Map(odd, kBytes + 4096).error(), -EINVAL);
  EXPECT(odd.enable(), 0);
  EXPECT(odd.disable(), 0);
}

void rule_09() {
  const File file;
  EXPECT(file.init(), 0);
  const Map one(file);
  EXPECT(file.enable(), 0);
  const Map two(file);
  one.store(5, 77);
  EXPECT(static_cast<long long>(two.load(5)), 77);
  EXPECT(in_child([&] {
           const Map three(file);
           return three.error() == 0 && three.load(5) == 77 ? 0 : 1;
         }),
         0);
  EXPECT(file.disable(), 0);
  const Map four(file);
  EXPECT(static_cast<long long>(four.load(5)), 77);
}

void rule_10() {
  const File file;
  EXPECT(file.init(), 0);
  EXPECT(Map(file, kBytes, PROT_READ).error(), 0);
  EXPECT(Map(file, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE).error(), 0);
  void* const reserved = ::mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(::mmap(reserved, kBytes, PROT_READ, MAP_SHARED | MAP_FIXED, file.fd(), 0) == reserved,
         true);
  ::munmap(reserved, kBytes);
  void* const map = ::mmap(nullptr, kBytes, PROT_READ, MAP_SHARED, file.fd(), 0);
  errno = 0;
  EXPECT(::mremap(map, kBytes, 2 * kBytes, MREMAP_MAYMOVE) == MAP_FAILED, true);
  EXPECT(errno, EFAULT);
  ::munmap(map, kBytes);
}

void rule_11() {
  File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  file.close();
  map.store(9, 99);
  EXPECT(in_child([&] {
           map.store(9, map.load(9) + 1);
           return 0;
         }),
         0);
  EXPECT(static_cast<long long>(map.load(9)), 100);
}

void rule_12() {
  const File file;
  EXPECT(file.enable(), -EINVAL);
  EXPECT(file.init(), 0);
  EXPECT(file.enable(), 0);
  EXPECT(file.enable(), -EINVAL);
  EXPECT(in_thread([&] { return file.enable(); }), -EINVAL);
  EXPECT(file.disable(), 0);
}

void rule_13() {
  const File file;
  const File other;
  EXPECT(file.init(), 0);
  EXPECT(other.init(), 0);
  EXPECT(file.enable(), 0);
  EXPECT(other.enable(), -EBUSY);
  EXPECT(other.enable(77), -EBUSY);  // before the mode
  EXPECT(file.disable(), 0);
  EXPECT(other.enable(), 0);
  EXPECT(other.disable(), 0);
}

void rule_14() {
  const File file;
  EXPECT(file.init(), 0);
  for (const unsigned long mode : {2ul, 3ul, 1ul << 32, ~0ul}) EXPECT(file.enable(mode), -EINVAL);
  EXPECT(file.enable(KCOV_TRACE_CMP), -524);  // this configuration has none
  EXPECT(file.enable(), 0);                   // nothing was changed
  EXPECT(file.disable(), 0);
}

void rule_15() {
  const File file;
  EXPECT(file.init(), 0);
  EXPECT(file.enable(), 0);
  some_call();
  EXPECT(file.disable(), 0);
  EXPECT(Map(file).load(0) > 0, true);
}

void rule_16() {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  map.store(0, 7);
  EXPECT(file.enable(), 0);
  const std::uint64_t after_ioctl = map.load(0);
  EXPECT(after_ioctl > 7, true);  // the ioctl's own end
  EXPECT(map.load(7) == 0 && map.load(8) != 0, true);
  some_call();
  EXPECT(map.load(0) > after_ioctl, true);
  EXPECT(file.disable(), 0);
}

void rule_17() {
  // Large, never touched: recording into it must not fault, and record the fault.
  const File file;
  EXPECT(file.init(4 << 20), 0);
  EXPECT(file.enable(), 0);
  some_call();
  EXPECT(file.disable(), 0);
  const Map map(file, 32 << 20);
  EXPECT(map.load(0) > 6 && map.load(0) < 200, true);
}

void rule_18() {
  const File file;
  EXPECT(file.disable(), -EINVAL);
  EXPECT(file.init(), 0);
  EXPECT(file.disable(), -EINVAL);
  EXPECT(file.enable(), 0);
  EXPECT(file.disable(1), -EINVAL);
  EXPECT(in_thread([&] { return file.disable(); }), -EINVAL);
  EXPECT(in_child([&] { return file.disable() == -EINVAL ? 0 : 1; }), 0);
  EXPECT(file.disable(), 0);
  EXPECT(file.disable(), -EINVAL);
}

void rule_19() {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  EXPECT(file.enable(), 0);
  some_call();
  EXPECT(file.disable(), 0);
  const std::uint64_t count = map.load(0);
  some_call();
  EXPECT(map.load(0) == count && map.load(1) != 0, true);
  EXPECT(in_thread([&] {
           const long enabled = file.enable();
           return enabled == 0 ? file.disable() : enabled;
         }),
         0);
  EXPECT(map.load(0) > count, true);
}

void rule_24() {
  const File file;
  EXPECT(file.init(512), 0);  // one page
  const Map map(file, 4096);
  EXPECT(file.enable(), 0);
  map.store(0, 0);
  for (int i = 0; i < 1000; ++i) some_call();
  EXPECT(static_cast<long long>(map.load(0)), 511);
  EXPECT(file.disable(), 0);
  EXPECT(static_cast<long long>(map.load(0)), 511);
  EXPECT(map.load(511) != 0, true);
  std::uint64_t dropped = 0;
  const long answer = file.control(KCOV_GET_DROPPED, reinterpret_cast<unsigned long>(&dropped));
  EXPECT(answer, stock ? -ENOTTY : 0);
  if (!stock) EXPECT(dropped > 1000, true);
  if (!stock) EXPECT(file.control(KCOV_GET_DROPPED, 8), -EFAULT);
}

void rule_25_and_26() {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  // The machine maps the pages into this process when they are first touched.
  for (std::size_t word = 1; word < kWords; ++word) map.store(word, 0);
  EXPECT(file.enable(), 0);
  // Larger skips.
  map.store(0, 100);
  some_call();
  EXPECT(map.load(0) > 100 && map.load(100) == 0 && map.load(101) != 0, true);
  const std::uint64_t values[] = {kWords - 2, kWords - 1, kWords,           kWords + 1, 1ull << 31,
                                  1ull << 32, 1ull << 61, (1ull << 61) - 1, 1ull << 63, ~0ull - 1};
  for (const std::uint64_t value : values) {
    for (std::size_t word = 1; word < kWords; ++word) map.store(word, 0xfeed);
    map.store(0, value);
    some_call();
    const std::uint64_t count = map.load(0);
    std::size_t written = 0;
    for (std::size_t word = 1; word < kWords; ++word) written += map.load(word) != 0xfeed;
    EXPECT(static_cast<long long>(written), value == kWords - 2 ? 1 : 0);
    EXPECT(count == value || (value == kWords - 2 && count == kWords - 1), true);
  }
  map.store(0, ~0ull);
  some_call();
  if (!stock) EXPECT(map.load(0) == ~0ull, true);  // stock wraps, and stores a PC over word 0
  EXPECT(file.disable(), 0);
}

void rule_28() {
  // Half a second in user space, with fifty timer interrupts and their soft interrupts.
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  EXPECT(file.enable(), 0);
  const std::uint64_t before = map.load(0);
  timespec start{};
  timespec now{};
  // The clock is a system call on this machine: only now and then, and not counted.
  ::clock_gettime(CLOCK_MONOTONIC, &start);
  const std::uint64_t call = map.load(0) - before;
  std::uint64_t calls = 1;
  do {
    for (int spin = 0; spin < 20000000; ++spin) asm volatile("");
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    ++calls;
  } while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < 500);
  const std::uint64_t after = map.load(0);
  // A call more or less takes a few blocks more or less; an interrupt takes hundreds.
  EXPECT(after - before < calls * (call + 10), true);
  EXPECT(file.disable(), 0);
}

void rule_29() {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  EXPECT(file.enable(), 0);
  // Another thread's work is nowhere in it: while we spin, it makes 2000 calls.
  std::uint64_t calls = 0;
  bool stop = false;
  std::thread other([&] {
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
      some_call();
      __atomic_fetch_add(&calls, 1, __ATOMIC_RELEASE);
    }
  });
  const std::uint64_t before = map.load(0);
  const std::uint64_t first = __atomic_load_n(&calls, __ATOMIC_ACQUIRE);
  while (__atomic_load_n(&calls, __ATOMIC_ACQUIRE) < first + 2000) asm volatile("");
  const std::uint64_t after = map.load(0);
  EXPECT(after - before < 200, true);
  __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
  other.join();
  EXPECT(file.disable(), 0);
}

void rule_30() {
  EXPECT(in_thread([] {
           File file;
           if (file.init() != 0) return 1l;
           const Map map(file);
           if (file.enable() != 0) return 2l;
           file.close();
           const std::uint64_t count = map.load(0);
           some_call();
           if (map.load(0) <= count) return 3l;  // it goes on
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

void rule_31() {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
  EXPECT(file.enable(), 0);
  EXPECT(in_child([&] {
           const std::uint64_t count = map.load(0);
           for (int i = 0; i < 100; ++i) some_call();
           // Only the parent, which waits, may add to it meanwhile.
           return map.load(0) - count < 100 && file.disable() == -EINVAL ? 0 : 1;
         }),
         0);
  EXPECT(file.disable(), 0);
  // exec goes on tracing.
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

void rule_32() {
  const File file;
  EXPECT(file.init(), 0);
  const Map map(file);
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
  const std::uint64_t count = map.load(0);
  // The way into exit_group; what exit does takes thousands.
  EXPECT(count > 0 && count < 100, true);
  EXPECT(file.enable(), 0);
  EXPECT(file.disable(), 0);
  EXPECT(in_thread([&] { return file.enable(); }), 0);
  EXPECT(file.enable(), 0);
  EXPECT(file.disable(), 0);
}

void rule_33() {
  // Descriptors that are closed while a task traces into them are freed when it ends:
  // 250 of them with 2 MB each would not fit otherwise.
  for (int i = 0; i < 250; ++i) {
    EXPECT(in_child([] {
             File file;
             if (file.init(256 << 10) != 0) return 1;
             if (file.enable() != 0) return 2;
             file.close();
             some_call();
             return 0;
           }),
           0);
    if (failures_of_rule != 0) break;
  }
}

void many_threads() {
  const File shared;
  EXPECT(shared.init(), 0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        File own;
        own.init(512);
        if (own.enable() == 0 && round % 3 != 0) own.disable();
        if (shared.enable() == 0) shared.disable();
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

int main(int argc, char** argv) {
  stock = argc > 1 && std::string(argv[1]) == "--stock";
  const struct {
    const char* name;
    void (*body)();
  } rules[] = {
      {"Rule01_every_open_is_independent_and_dup_fork_SCM_RIGHTS_share", rule_01},
      {"Rule02_read_write_EINVAL_lseek_pread_ESPIPE", rule_02},
      {"Rule03_the_open_mode_counts_for_maps_only", rule_03},
      {"Rule04_an_unknown_ioctl_is_ENOTTY", rule_04},
      {"Rule05_size_out_of_range_is_EINVAL", rule_05},
      {"Rule06_size_is_checked_before_the_state", rule_06},
      {"Rule07_the_buffer_is_zeroed_and_a_race_has_one_winner", rule_07},
      {"Rule08_a_map_is_exactly_the_buffer", rule_08},
      {"Rule09_all_maps_alias_at_any_time", rule_09},
      {"Rule10_read_only_private_fixed_maps_and_no_growth", rule_10},
      {"Rule11_a_map_is_inherited_and_outlives_close", rule_11},
      {"Rule12_enable_needs_an_initialised_free_descriptor", rule_12},
      {"Rule13_a_thread_traces_through_one_descriptor", rule_13},
      {"Rule14_unknown_modes_change_nothing", rule_14},
      {"Rule15_mmap_is_not_required", rule_15},
      {"Rule16_records_append_and_the_ioctls_end_is_recorded", rule_16},
      {"Rule17_a_fresh_large_buffer_does_not_fault", rule_17},
      {"Rule18_disable_is_for_the_bound_thread", rule_18},
      {"Rule19_after_disable_data_stands_and_any_thread_may_enable", rule_19},
      {"Rule24_overflow_drops_and_is_counted", rule_24},
      {"Rule25_26_user_space_may_store_anything_to_word_0", rule_25_and_26},
      {"Rule28_interrupts_record_nothing", rule_28},
      {"Rule29_only_the_enabling_task_is_traced", rule_29},
      {"Rule30_close_while_enabled_goes_on_tracing", rule_30},
      {"Rule31_children_are_untraced_and_exec_goes_on", rule_31},
      {"Rule32_exit_disables_and_another_may_enable", rule_32},
      {"Rule33_the_last_reference_frees", rule_33},
      {"Many_threads_enable_disable_close_and_exit", many_threads},
  };
  int failed = 0;
  for (const auto& [name, body] : rules) {
    failures_of_rule = 0;
    body();
    std::printf("%s %s\n", failures_of_rule == 0 ? "ok  " : "FAIL", name);
    std::fflush(stdout);
    failed += failures_of_rule != 0;
  }
  std::printf("%zu rules, %d failed\n", std::size(rules), failed);
  return failed == 0 ? 0 : 1;
}
