// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The forms of a call that is not made (port/host/call_site.hpp): which call takes which, that
// the code does the same in each and between them, and that waking leaves nothing of them.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "sites_support.hpp"

namespace kcov::test {
namespace {

class HostSitesForms : public HostSites {};
class HostSitesFormsOf : public HostSites, public testing::WithParamInterface<std::string> {};

int count_changed(dl_phdr_info* info, std::size_t, void* count) {
  const std::string path = info->dlpi_name[0] == '\0' ? "/proc/self/exe" : info->dlpi_name;
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  for (const auto& segment : std::span(info->dlpi_phdr, info->dlpi_phnum)) {
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    std::vector<unsigned char> bytes(segment.p_filesz);
    EXPECT_EQ(static_cast<ssize_t>(bytes.size()),
              pread(file, bytes.data(), bytes.size(), static_cast<off_t>(segment.p_offset)));
    for (std::size_t at = 0; at < bytes.size(); ++at)
      *static_cast<std::size_t*>(count) +=
          code_at(info->dlpi_addr + segment.p_vaddr + at) != bytes[at];
  }
  close(file);
  return 0;
}
// Bytes of code that are not as the program's and the libraries' files have them.
std::size_t changed_bytes() {
  std::size_t count = 0;
  dl_iterate_phdr(count_changed, &count);
  return count;
}

// All ways through the library.
void run_all(const Library& library) {
  for (unsigned way = 0; way < 20; ++way) {
    library.run(way);
    library.compute(way);
    library.compare(way, 17);
  }
}

TEST_P(HostSitesFormsOf, A_call_is_prefixes_where_the_next_instruction_bears_them) {
  const Library library(GetParam());
  Tracer tracer;
  const Records pcs = tracer.trace([&] { library.compute(7); });
  // The others go through the table itself, and have six bytes.
  const auto direct = std::count_if(pcs.begin(), pcs.end(),
                                    [](std::uint64_t pc) { return call_at(pc)[1] == 0xe8; });
  library.compute(7);
  int prefixes = 0;
  for (const std::uint64_t pc : pcs) {
    EXPECT_FALSE(is_made(pc));
    if (!is_prefixes(pc)) continue;
    ++prefixes;
    EXPECT_NE(0u, kcov_takes_prefixes(reinterpret_cast<unsigned char*>(pc + program_bias())));
  }
  EXPECT_LE(direct / 2, prefixes) << "of " << pcs.size();
  EXPECT_GE(direct, prefixes);
}

INSTANTIATE_TEST_SUITE_P(, HostSitesFormsOf, testing::ValuesIn(libraries()),
                         [](const auto& path) { return name_of(path.param); });

TEST_F(HostSitesForms, Awake_the_code_is_byte_for_byte_that_of_the_files) {
  std::vector<std::unique_ptr<Library>> all;
  for (const std::string& path : libraries()) all.push_back(std::make_unique<Library>(path));
  Tracer tracer;
  const auto once = [&](Tracer& mine) {
    for (const auto& library : all) run_all(*library);
    run(10);
    EXPECT_LT(100u, changed_bytes());
    mine.trace([] { EXPECT_EQ(0u, changed_bytes()); });
  };
  for (int round = 0; round < 3; ++round) once(tracer);
  // A child has the calls, and what they led to, of its parent.
  for (const auto& library : all) run_all(*library);
  EXPECT_EQ(0, in_child([&] {
              Tracer own;
              own.trace([] { EXPECT_EQ(0u, changed_bytes()); });
              once(own);
              return testing::Test::HasFailure() ? 1 : 0;
            }));
  EXPECT_LT(100u, changed_bytes()) << "the child's code is its own";
  once(tracer);
}

TEST_F(HostSitesForms, Libraries_that_took_each_others_place_wake_as_themselves) {
  Tracer tracer;
  for (int round = 0; round < 40; ++round) {
    Library library(libraries()[static_cast<std::size_t>(round) % libraries().size()]);
    run_all(library);
  }
  Library last(libraries()[1]);
  for (int round = 0; round < 2; ++round) {
    tracer.trace([] { EXPECT_EQ(0u, changed_bytes()); });
    run_all(last);
    EXPECT_LT(0u, changed_bytes());
  }
}

// --- code of our own ----------------------------------------------------------------------

constexpr std::uintptr_t kPage = 4096;

// Two pages of code of no library, from where the callback can be called directly.
class Generated {
 public:
  explicit Generated(std::uintptr_t distance = 64 << 20) {
    std::uintptr_t wish = (callback() - distance) & ~(kPage - 1);
    void* at = MAP_FAILED;
    for (; at == MAP_FAILED; wish -= 1 << 20)
      at = mmap(reinterpret_cast<void*>(wish), kSize, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    start_ = reinterpret_cast<std::uintptr_t>(at);
    emit({0x48, 0x83, 0xec, 8});  // sub $8, %rsp
  }
  ~Generated() { munmap(reinterpret_cast<void*>(start_), kSize); }
  Generated(const Generated&) = delete;
  Generated& operator=(const Generated&) = delete;

  static std::uintptr_t callback() {
    return reinterpret_cast<std::uintptr_t>(dlsym(RTLD_DEFAULT, "__sanitizer_cov_trace_pc"));
  }
  std::uintptr_t here() const { return start_ + code_.size(); }
  void emit(std::initializer_list<unsigned char> bytes) {
    code_.insert(code_.end(), bytes.begin(), bytes.end());
  }
  void emit_value(std::uint64_t value, unsigned bytes) {
    for (unsigned index = 0; index < bytes; ++index)
      code_.push_back(static_cast<unsigned char>(value >> 8 * index));
  }
  // A call and what is behind it.
  void call(std::uintptr_t target, std::initializer_list<unsigned char> next) {
    code_.push_back(0xe8);
    emit_value(target - here() - 4, 4);
    emit(next);
  }
  // Stubs of six bytes, each of which goes to the callback: the address of the first.
  std::uintptr_t stubs(unsigned count) {
    emit({0xe9});  // jmp over them and their slot
    emit_value(8 + 6 * count, 4);
    const std::uintptr_t slot = here();
    emit_value(callback(), 8);
    const std::uintptr_t first = here();
    for (; count != 0; --count) {
      emit({0xff, 0x25});
      emit_value(slot - here() - 4, 4);
    }
    return first;
  }
  // nop, up to that byte of the pages.
  void pad(std::size_t to) { code_.resize(to, 0x90); }
  // Ends it, and makes it code.
  void finish() {
    emit({0x48, 0x83, 0xc4, 8, 0xc3});  // add $8, %rsp; ret
    std::memcpy(reinterpret_cast<void*>(start_), code_.data(), code_.size());
    ASSERT_EQ(0, mprotect(reinterpret_cast<void*>(start_), kSize, PROT_READ | PROT_EXEC));
  }
  void operator()() const { reinterpret_cast<void (*)()>(start_)(); }
  bool is_unchanged() const {
    return std::memcmp(reinterpret_cast<void*>(start_), code_.data(), code_.size()) == 0;
  }

 private:
  static constexpr std::size_t kSize = 2 * kPage;
  std::uintptr_t start_ = 0;
  std::vector<unsigned char> code_;
};

// Which calls are prefixes when all are known, one letter each; and that it wakes as it was.
std::string forms(const Generated& code) {
  Tracer tracer;
  const Records pcs = tracer.trace(code);
  std::string result;
  for (int round = 0; round < 3; ++round) {
    code();
    result.clear();
    for (const std::uint64_t pc : pcs) result += is_prefixes(pc) ? 'p' : is_made(pc) ? 'm' : 's';
    EXPECT_EQ(pcs, tracer.trace(code));
    tracer.trace([&] { EXPECT_TRUE(code.is_unchanged()); });
  }
  return result;
}

TEST_F(HostSitesForms, What_cannot_be_prefixes_is_skipped) {
  Generated code;
  const std::uintptr_t callback = Generated::callback();
  code.call(callback, {0x90});                                       // p: nop
  code.call(callback, {0xf3, 0x90});                                 // s: pause
  code.call(callback, {0x48, 0xc7, 0x44, 0x24, 0, 1, 0, 0, 0});      // p: movq $1, (%rsp)
  code.call(callback, {0x48, 0xc7, 0x84, 0x24, 0, 0, 0, 0, 1, 0, 0,  // s: the same, and longer
                       0});
  code.call(callback, {});                    // s: a call
  code.call(callback, {0x31, 0xc0});          // p: xor %eax, %eax
  code.emit({0x67});                          // of the next one
  code.call(callback, {0x31, 0xc0});          // s
  code.emit({0x89, 0xf2});                    // mov %esi, %edx
  code.call(callback, {0x31, 0xc0});          // s: what is in front could be a prefix
  code.call(callback, {0x85, 0xc0});          // p: test %eax, %eax
  code.call(callback, {0x74, 0});             // p: je
  code.call(callback, {0x0f, 0xaf, 3 << 6});  // p: imul %eax, %eax
  code.finish();
  EXPECT_EQ(
      "psps"
      "sp"
      "s"
      "s"
      "ppp",
      forms(code));
}

TEST_F(HostSitesForms, A_call_whose_last_four_bytes_are_in_two_pages_is_skipped) {
  for (std::size_t in_first = 0; in_first <= KCOV_CALL_SIZE; ++in_first) {
    Generated code;
    code.pad(kPage - in_first);
    code.call(Generated::callback(), {0x90});
    code.finish();
    EXPECT_EQ(in_first >= 2 && in_first <= 4 ? "s" : "p", forms(code)) << in_first;
  }
}

TEST_F(HostSitesForms, The_27_targets_that_there_are_numbers_for) {
  constexpr unsigned kTargets = 30;
  std::vector<std::unique_ptr<Generated>> all;
  for (std::uintptr_t round = 1; round <= 3; ++round) {
    // 16 MiB from each other, they have the same numbers: each anew.
    all.push_back(std::make_unique<Generated>(round * 64 << 20));
    Generated& code = *all.back();
    const std::uintptr_t stubs = code.stubs(kTargets);
    for (unsigned stub = 0; stub < kTargets; ++stub) code.call(stubs + 6 * stub, {0x90});
    code.finish();
    EXPECT_EQ(std::string(27, 'p') + "sss", forms(code)) << round;
  }
}

TEST_F(HostSitesForms, A_distance_that_looks_like_prefixes_stays_a_call) {
  constexpr std::uint32_t kDistance = 0x2e262626;  // the number 0, which is the stub's
  const std::uintptr_t returns = Generated::callback() - kDistance;
  const std::uintptr_t before = returns % kPage + (returns % kPage < 64 ? kPage : 0);
  Generated code(kDistance + before);
  ASSERT_EQ(returns - before, code.here() & ~(kPage - 1)) << "something is mapped there";
  code.call(code.stubs(1), {0x90});
  code.pad(before - 5);
  code.call(Generated::callback(), {0x90});
  ASSERT_EQ(returns + 1, code.here());
  code.finish();
  EXPECT_EQ("pm", forms(code));
}

// From now on, in this thread and those that it starts.
void filter_membarrier(std::uint32_t what) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, what),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(filter), filter};
  EXPECT_EQ(0, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  EXPECT_EQ(0, prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

// --- at any instruction -------------------------------------------------------------------

#ifndef KCOV_SANITIZED

struct Stepping {
  std::uint64_t begin = 0, end = 0;  // the library's code
  Records returns;                   // where its calls return to
  std::atomic<unsigned> wanted = 0, done = 0;
  unsigned steps = 0, within = 0;
};
Stepping* stepping;

void wake_at_step(int, siginfo_t*, void* context) {
  const auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto at = static_cast<std::uint64_t>(registers[REG_RIP]);
  if (at < stepping->begin || at >= stepping->end) return;
  ++stepping->steps;
  const auto next = std::upper_bound(stepping->returns.begin(), stepping->returns.end(), at);
  if (next != stepping->returns.end() && *next - at < KCOV_CALL_SIZE) ++stepping->within;
  const unsigned mine = ++stepping->wanted;
  while (stepping->done != mine) sched_yield();
}

void set_trap_flag(bool on) {
  if (on) {
    asm volatile("sub $128, %%rsp; pushf; orl $0x100, (%%rsp); popf; add $128, %%rsp" ::: "memory");
  } else {
    asm volatile("sub $128, %%rsp; pushf; andl $~0x100, (%%rsp); popf; add $128, %%rsp" ::
                     : "memory");
  }
}

// Before each instruction of the library's, another thread wakes all and puts it to sleep, and
// most times runs it then, so that all are prefixes again. (The rest learns, step by step.)
TEST_F(HostSitesForms, They_may_wake_before_any_instruction) {
  const Library library(libraries()[0]);
  Tracer tracer;
  Stepping state;
  stepping = &state;
  const std::uint64_t bias = program_bias();
  for (const std::uint64_t pc : tracer.trace([&] { library.compute(5); }))
    state.returns.push_back(pc + bias);
  std::sort(state.returns.begin(), state.returns.end());
  state.begin = state.returns.front() - 256;
  state.end = state.returns.back() + 256;
  std::atomic<bool> over = false;
  std::thread changer([&] {
    Tracer own;
    while (!over) {
      const unsigned wanted = state.wanted;
      if (state.done == wanted) {
        sched_yield();
        continue;
      }
      own.trace([] {});
      if (wanted % 16 != 0) library.compute(5);
      state.done = wanted;
    }
  });
  struct sigaction action {};
  struct sigaction former {};
  action.sa_sigaction = wake_at_step;
  action.sa_flags = SA_SIGINFO;
  const unsigned expected = library.compute(5);
  ASSERT_EQ(0, sigaction(SIGTRAP, &action, &former));
  for (int round = 0; round < 3; ++round) {
    set_trap_flag(true);
    const unsigned result = library.compute(5);
    set_trap_flag(false);
    EXPECT_EQ(expected, result);
  }
  sigaction(SIGTRAP, &former, nullptr);
  over = true;
  changer.join();
  EXPECT_LT(500u, state.steps);
  EXPECT_EQ(0u, state.within) << "nobody is ever within a call";
}

// The forms of the call that returns there, one letter each time that CPUs are synchronized.
std::uint64_t watched;
char seen[16];
void note_form(int, siginfo_t*, void* context) {
  const auto bytes = call_at(watched);
  const bool numbered = kcov_read_target(&bytes[2]) >= 0;
  const char form = bytes[1] == 0xe8 ? 'm' : bytes[1] == 0x2e ? 'p' : numbered ? 'n' : 's';
  const std::size_t length = std::strlen(seen);
  if (length + 1 < sizeof seen) seen[length] = form;
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RAX] = 0;
}

TEST_F(HostSitesForms, Between_two_steps_all_cpus_are_synchronized) {
  EXPECT_EQ(0, in_child([] {
              Generated code;
              code.call(Generated::callback(), {0x90});
              code.call(Generated::callback(), {0xf3, 0x90});
              code.finish();
              Tracer tracer;
              const Records pcs = tracer.trace(code);
              struct sigaction action {};
              action.sa_sigaction = note_form;
              action.sa_flags = SA_SIGINFO;
              EXPECT_EQ(0, sigaction(SIGSYS, &action, nullptr));
              filter_membarrier(SECCOMP_RET_TRAP);
              const auto steps = [&](std::uint64_t pc, const auto& body) {
                watched = pc;
                std::memset(seen, 0, sizeof seen);
                body();
                return std::string(seen);
              };
              EXPECT_EQ("sn", steps(pcs[0], code)) << "learnt";
              EXPECT_EQ("nsm", steps(pcs[0], [&] { tracer.trace([] {}); })) << "woken";
              EXPECT_EQ("sn", steps(pcs[0], code)) << "with its page";
              EXPECT_EQ("ssm", steps(pcs[1], [&] { tracer.trace([] {}); }));
              return testing::Test::HasFailure() ? 1 : 0;
            }));
}

#endif

// --- faults -----------------------------------------------------------------------------

sigjmp_buf after_fault;
std::uint64_t fault_at;

// As it is with the call made, for handlers and exceptions that go by exact addresses.
TEST_F(HostSitesForms, A_fault_is_at_the_instruction_and_not_at_its_prefixes) {
  Generated code;
  code.emit({0x31, 0xff});                               // xor %edi, %edi
  code.call(Generated::callback(), {0x31, 0xff});        // xor %edi, %edi
  code.call(Generated::callback(), {0x48, 0x8b, 0x3f});  // mov (%rdi), %rdi
  code.finish();
  struct sigaction action {};
  struct sigaction former {};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = [](int, siginfo_t*, void* context) {
    fault_at =
        static_cast<std::uint64_t>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
    siglongjmp(after_fault, 1);
  };
  ASSERT_EQ(0, sigaction(SIGSEGV, &action, &former));
  const auto fault = [&] {
    if (sigsetjmp(after_fault, 1) == 0) code();
  };
  Tracer tracer;
  const Records pcs = tracer.trace(fault);
  EXPECT_EQ(2u, pcs.size());
  const std::uint64_t expected = pcs.back() + program_bias();
  EXPECT_EQ(expected, fault_at) << "traced";
  for (int round = 0; round < 2; ++round) {
    fault();
    EXPECT_TRUE(is_prefixes(pcs.back()));
    EXPECT_EQ(expected, fault_at);
  }
  // Where there is no code to read.
  if (sigsetjmp(after_fault, 1) == 0) reinterpret_cast<void (*)()>(16)();
  EXPECT_EQ(16u, fault_at);
  sigaction(SIGSEGV, &former, nullptr);
}

// --- others who write to code, and to descriptors ---------------------------------------------

void poke(std::uint64_t address, unsigned char byte) {
  const int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  EXPECT_EQ(1, pwrite(memory, &byte, 1, static_cast<off_t>(address)));
  close(memory);
}

TEST_F(HostSitesForms, A_breakpoint_hides_a_call_no_longer_than_it_is_there) {
  Generated code;
  code.emit({0x31, 0xff});                         // xor %edi, %edi
  code.call(Generated::callback(), {0x31, 0xff});  // xor %edi, %edi
  code.call(Generated::callback(), {0x31, 0xff});
  code.finish();
  Tracer tracer;
  const Records pcs = tracer.trace([&] { code(); });
  ASSERT_EQ(2u, pcs.size());
  code();
  ASSERT_TRUE(is_prefixes(pcs[0]) && is_prefixes(pcs[1]));
  const std::uint64_t head = pcs[1] + program_bias() - KCOV_CALL_SIZE;
  poke(head, 0xcc);
  EXPECT_EQ(0u, tracer.trace([] {}).size());
  EXPECT_EQ(1u, sites().left_alone);
  poke(head, KCOV_CALL_PREFIX);
  EXPECT_EQ(pcs, tracer.trace([&] { code(); }));
  EXPECT_EQ(0u, sites().left_alone);
}

// Somebody gives numbers to files whether or not they are his: an ENABLE may fail with it, and what
// it says it traces it does.
TEST_F(HostSitesForms, Nothing_is_lost_when_the_descriptor_of_memory_becomes_another_file) {
  const Library library(libraries().front());
  Tracer tracer;
  const auto body = [&] { run_all(library); };
  const Records expected = tracer.trace(body);
  std::atomic<bool> over{false};
  std::thread other([&] {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (!over) {
      for (int number = 200; number < 203; ++number) dup2(null, number);
      for (int number = 200; number < 203; ++number) close(number);
    }
    close(null);
  });
  const File file;
  EXPECT_EQ(0, file.init(kWords));
  const Map map(file.fd(), kWords);
  int traced = 0;
  for (int round = 0; round < 500; ++round) {
    body();
    if (file.enable() != 0) continue;
    map.set(0, 0);
    body();
    EXPECT_EQ(0, file.disable());
    ++traced;
    if (map.count() == expected.size()) continue;
    ADD_FAILURE() << map.count() << " records of " << expected.size() << " in round " << round;
    break;
  }
  EXPECT_LT(0, traced);
  over = true;
  other.join();
}

// --- where the system cannot synchronize -----------------------------------------------------

TEST_F(HostSitesForms, Without_membarrier_calls_are_skipped) {
  EXPECT_EQ(0, in_child([] {
              Generated code;
              code.call(Generated::callback(), {0x90});
              code.finish();
              filter_membarrier(SECCOMP_RET_ERRNO | ENOSYS);
              EXPECT_EQ("s", forms(code));
              return testing::Test::HasFailure() ? 1 : 0;
            }));
}

#ifndef KCOV_SANITIZED  // which have threads of their own

TEST_F(HostSitesForms, Prefixes_stay_when_membarrier_is_gone_unless_there_is_one_thread) {
  EXPECT_EQ(0, in_child([] {
              Generated code;
              code.call(Generated::callback(), {0x90});
              code.finish();
              Tracer tracer;
              const Records pcs = tracer.trace(code);
              code();
              EXPECT_TRUE(is_prefixes(pcs[0]));
              std::atomic<bool> over = false;
              std::thread other([&] {
                while (!over) code();
              });
              filter_membarrier(SECCOMP_RET_ERRNO | ENOSYS);
              for (int round = 0; round < 3; ++round) {
                EXPECT_EQ(ENOMEM, tracer.file().enable());
                EXPECT_FALSE(is_made(pcs[0]));
              }
              over = true;
              other.join();
              EXPECT_EQ(pcs, tracer.trace(code));
              EXPECT_TRUE(code.is_unchanged());
              return testing::Test::HasFailure() ? 1 : 0;
            }));
}

#endif

}  // namespace
}  // namespace kcov::test
