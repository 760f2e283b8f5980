// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The callbacks keep every register but r10, r11 and the flags (port/host/callbacks_x86_64.hpp), in
// whatever state the program is: code that is compiled with the plugin counts on it. All that
// there are hold a pattern when one is called, from the program itself, through the linker's
// stubs of a library that binds them late, and through a pointer.
#include "registers.h"

#include <signal.h>

#include <atomic>
#include <thread>

#include "tests/host/sites_support.hpp"

#define FOR_EACH_CALLBACK(define)                                                          \
  define(pc) define(cmp1) define(cmp2) define(cmp4) define(cmp8) define(const_cmp1)        \
      define(const_cmp2) define(const_cmp4) define(const_cmp8) define(switch) define(cmpf) \
          define(cmpd)

extern "C" {
extern unsigned registers_level;
void registers_call_any(struct registers*);
#define DECLARE(name)                            \
  void registers_call_##name(struct registers*); \
  void __sanitizer_cov_trace_##name();
FOR_EACH_CALLBACK(DECLARE)
}

namespace kcov::test {
namespace {

static_assert(offsetof(struct registers, vectors) == REGISTERS_VECTORS);
static_assert(offsetof(struct registers, masks) == REGISTERS_MASKS);
static_assert(offsetof(struct registers, callee) == REGISTERS_CALLEE);

constexpr const char* kGeneral[] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp",
                                    "r8",  "r9",  "r10", "r12", "r13", "r14", "r15"};
constexpr std::size_t kRsi = 4, kRdi = 5, kR10 = 9;
constexpr unsigned long kModes[] = {KCOV_TRACE_PC, KCOV_TRACE_CMP};
constexpr std::uint64_t kCases[] = {2, 32, 5, 7};

using Call = void (*)(struct registers*);
struct Callback {
  std::string name;
  Call call;
  void (*callback)();
};
const Callback kCallbacks[] = {
#define LIST(name) {#name, registers_call_##name, __sanitizer_cov_trace_##name},
    FOR_EACH_CALLBACK(LIST)};

unsigned level() {
  if (__builtin_cpu_supports("avx512bw")) return 2;
  return __builtin_cpu_supports("avx") ? 1 : 0;
}

// From where they are called.
enum class From { program, library, pointer };

class HostRegisters : public HostSites, public testing::WithParamInterface<From> {
 protected:
  HostRegisters() {
    registers_level = level();
    if (GetParam() != From::library) return;
    // Anew, so that nothing of it is bound.
    library_ = dlopen(REGISTERS_LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    EXPECT_NE(nullptr, library_) << dlerror();
    *static_cast<unsigned*>(dlsym(library_, "registers_level")) = level();
  }
  ~HostRegisters() override {
    if (library_ != nullptr) dlclose(library_);
  }

  static struct registers pattern(const Callback& callback) {
    struct registers before {};
    for (std::size_t index = 0; index < std::size(before.general); ++index)
      before.general[index] = 0xa5a5a5a5a5a5a5a5 ^ index * 0x0101010101010101;
    // A switch's cases.
    before.general[kRsi] = reinterpret_cast<std::uint64_t>(kCases);
    for (std::size_t index = 0; index < std::size(before.vectors); ++index)
      for (std::size_t byte = 0; byte < sizeof before.vectors[0]; ++byte)
        before.vectors[index][byte] = static_cast<std::uint8_t>(index * 64 + byte * 7 + 1);
    for (std::size_t index = 0; index < std::size(before.masks); ++index)
      before.masks[index] = 0x123456789abcdef0 + index;
    before.callee = callback.callback;
    return before;
  }

  // The registers that `callback` lost when it left `after` behind, by their names.
  static std::string lost(const Callback& callback, const struct registers& after) {
    const struct registers before = pattern(callback);
    std::string names;
    for (std::size_t index = 0; index < std::size(kGeneral); ++index)
      if (after.general[index] != before.general[index] && index != kR10)
        names += std::string(" ") + kGeneral[index];
    for (std::size_t index = 0; index < std::size(before.vectors); ++index)
      if (memcmp(after.vectors[index], before.vectors[index], sizeof before.vectors[0]) != 0)
        names += " vector " + std::to_string(index);
    for (std::size_t index = 0; index < std::size(before.masks); ++index)
      if (after.masks[index] != before.masks[index]) names += " k" + std::to_string(index);
    return names;
  }
  std::string lost(const Callback& callback) const {
    struct registers registers = pattern(callback);
    call(callback)(&registers);
    return lost(callback, registers);
  }

  // Each is called `times` times and loses nothing.
  void expect_kept(int times = 3) {
    for (const Callback& callback : kCallbacks)
      for (int time = 0; time < times; ++time)
        ASSERT_EQ("", lost(callback)) << callback.name << ", call " << time;
  }

  Call call(const Callback& callback) const {
    if (GetParam() == From::program) return callback.call;
    if (GetParam() == From::pointer) return registers_call_any;
    return reinterpret_cast<Call>(dlsym(library_, ("registers_call_" + callback.name).c_str()));
  }

 private:
  void* library_ = nullptr;
};

std::string name(const testing::TestParamInfo<From>& from) {
  if (from.param == From::program) return "program";
  return from.param == From::library ? "library" : "pointer";
}
INSTANTIATE_TEST_SUITE_P(, HostRegisters,
                         testing::Values(From::program, From::library, From::pointer), name);

TEST_P(HostRegisters, When_calls_are_always_made) {
  ASSERT_EQ(0, kcov_host_sleep_after(-1));
  expect_kept();
}

TEST_P(HostRegisters, While_it_waits_to_sleep) {
  ASSERT_EQ(0, kcov_host_sleep_after(1000000));
  // In one call of 1024 it looks at the clock.
  expect_kept(3000);
}

TEST_P(HostRegisters, When_a_call_is_learnt_and_when_it_is_dormant) {
  ASSERT_EQ(0, kcov_host_sleep_after(0));
  for (int round = 0; round < 5; ++round) {
    expect_kept();
    EXPECT_EQ(KCOV_HOST_DORMANT, static_cast<int>(sites().state));
    Tracer().trace([] {});  // all are made again
  }
}

TEST_P(HostRegisters, When_it_falls_asleep) {
  ASSERT_EQ(0, kcov_host_sleep_after(1));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  do expect_kept(400);
  while (sites().state != KCOV_HOST_DORMANT && std::chrono::steady_clock::now() < end);
  EXPECT_EQ(KCOV_HOST_DORMANT, static_cast<int>(sites().state));
}

TEST_P(HostRegisters, While_PCs_are_traced) {
  EXPECT_EQ(3u, Tracer().trace([&] { expect_kept(); }).size());
}

TEST_P(HostRegisters, While_comparisons_are_traced) {
  const Records records = Tracer().trace([&] { expect_kept(1); }, KCOV_TRACE_CMP);
  ASSERT_EQ(12u * KCOV_WORDS_PER_CMP, records.size());
  // Operands are what the registers have, of the sizes that they are (contract 27).
  const std::uint64_t first = 0xa5a5a5a5a5a5a5a5 ^ kRdi * 0x0101010101010101;
  const std::uint64_t second = reinterpret_cast<std::uint64_t>(kCases);
  for (std::size_t index = 0; index < 8; ++index) {
    const std::uint64_t* const record = &records[index * KCOV_WORDS_PER_CMP];
    const std::uint64_t size = index % 4;
    const std::uint64_t mask = size == 3 ? ~0ull : (1ull << (8 << size)) - 1;
    EXPECT_EQ((index < 4 ? 0 : KCOV_CMP_CONST) | KCOV_CMP_SIZE(size), record[0]);
    EXPECT_EQ(first & mask, record[1]);
    EXPECT_EQ(second & mask, record[2]);
  }
  for (const std::size_t index : {8u, 9u}) {
    EXPECT_EQ(KCOV_CMP_CONST | KCOV_CMP_SIZE(2u), records[index * KCOV_WORDS_PER_CMP]);
    EXPECT_EQ(kCases[2 + index - 8], records[index * KCOV_WORDS_PER_CMP + 1]);
    EXPECT_EQ(first, records[index * KCOV_WORDS_PER_CMP + 2]);
  }
  // xmm0 and xmm1.
  const std::uint64_t vectors[] = {0x322b241d160f0801, 0x726b645d564f4841};
  EXPECT_EQ(KCOV_CMP_SIZE(2u), records[40]);
  EXPECT_EQ(vectors[0] & 0xffffffff, records[41]);
  EXPECT_EQ(vectors[1] & 0xffffffff, records[42]);
  EXPECT_EQ(KCOV_CMP_SIZE(3u), records[44]);
  EXPECT_EQ(vectors[0], records[45]);
  EXPECT_EQ(vectors[1], records[46]);
}

TEST_P(HostRegisters, While_there_is_no_room_for_a_record) {
  for (const unsigned long mode : kModes) {
    File file;
    ASSERT_EQ(0, file.init(kWords));
    Map map(file.fd(), kWords);
    ASSERT_EQ(0, file.enable(mode));
    map.set(0, kWords);
    expect_kept();
    EXPECT_EQ(0, file.disable());
    EXPECT_EQ(kWords, map.words()[0]);
  }
}

TEST_P(HostRegisters, While_another_thread_traces) {
  std::atomic<int> step{0};
  std::thread other([&] {
    Tracer().trace([&] {
      step = 1;
      while (step != 2) std::this_thread::yield();
    });
  });
  while (step != 1) std::this_thread::yield();
  expect_kept();
  step = 2;
  other.join();
}

constexpr std::size_t kCount = std::size(kCallbacks);
Call calls_in_handler[kCount];
struct registers in_handler[kCount];

TEST_P(HostRegisters, In_the_handler_of_a_thread_that_traces) {
  struct sigaction action {};
  action.sa_handler = [](int) {
    for (std::size_t index = 0; index < kCount; ++index)
      calls_in_handler[index](&in_handler[index]);
  };
  struct sigaction before;
  ASSERT_EQ(0, sigaction(SIGUSR1, &action, &before));
  for (const unsigned long mode : kModes) {
    for (std::size_t index = 0; index < kCount; ++index) {
      calls_in_handler[index] = call(kCallbacks[index]);
      in_handler[index] = pattern(kCallbacks[index]);
    }
    EXPECT_EQ(0u, Tracer().trace([] { raise(SIGUSR1); }, mode).size());
    for (std::size_t index = 0; index < kCount; ++index)
      EXPECT_EQ("", lost(kCallbacks[index], in_handler[index])) << kCallbacks[index].name;
  }
  sigaction(SIGUSR1, &before, nullptr);
}

TEST_P(HostRegisters, Of_a_thread_that_has_just_begun) {
  for (const long after : {-1l, 1000000l, 0l}) {
    ASSERT_EQ(0, kcov_host_sleep_after(after));
    std::thread([&] { expect_kept(); }).join();
  }
}

}  // namespace
}  // namespace kcov::test
