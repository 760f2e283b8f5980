// SPDX-License-Identifier: GPL-2.0-only OR MIT
// libFuzzer on the core: a program of operations as in tests/model, against the model, and
// user space that stores any value to any word of a buffer between any two accesses of the
// core to memory: in the midst of a callback, of a merge, of an ioctl.
//
// Beside what the model says, and AddressSanitizer: word 0 only ever receives a count that
// the buffer has room for, at every single store.
//
// Input: eight bytes an operation. Six as in operation.hpp, then the access before which
// user space stores (0: none), and what and where.
#include <cstdio>
#include <cstdlib>

#include "tests/model/comparison.hpp"

namespace kcov::test {
namespace {

constexpr std::size_t kBytes = 8;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "FAILED: %s\n", what);
  std::abort();
}

class Intruder {
 public:
  explicit Intruder(Comparison& comparison) : comparison_(comparison) {}

  void prepare(std::uint8_t when, std::uint8_t what) {
    countdown_ = when % 32;
    what_ = what;
  }

  void at(const Step& step) {
    if (step.kind == Step::store) check_count(step.location);
    if (countdown_ == 0 || --countdown_ != 0) return;
    // Mostly into a count, since the rest is nothing to the core.
    const int slot = what_ % kSlots;
    if (!comparison_.model().is_open(slot)) return;
    comparison_.system().store(slot, what_ % 3 == 0 ? what_ / 4 : 0,
                               hostile_of(static_cast<std::uint8_t>(what_ / 4)));
    comparison_.scribbled();
  }

 private:
  void check_count(const void* location) {
    const auto& descriptors = comparison_.model().descriptors();
    for (int i = 0; i < static_cast<int>(descriptors.size()); ++i) {
      const auto& area = comparison_.system().area(i);
      // Whatever the mode, a count is less than the words.
      if (area.words == location && comparison_.model().is_alive(i) && *area.words >= area.size)
        fail("word 0 received something that is no count");
    }
  }

  Comparison& comparison_;
  unsigned countdown_ = 0;
  std::uint8_t what_ = 0;
};

void run(const std::uint8_t* data, std::size_t size) {
  Comparison comparison;
  Intruder intruder(comparison);
  const std::function<void(const Step&)> steps = [&](const Step& step) { intruder.at(step); };
  comparison.set_steps(&steps);
  std::optional<std::string> difference;
  for (; size >= kBytes && !difference; data += kBytes, size -= kBytes) {
    intruder.prepare(data[6], data[7]);
    difference = comparison.apply({data[0], data[1], data[2], data[3], data[4], data[5]});
  }
  if (!difference) difference = comparison.finish();
  if (difference) fail(difference->c_str());
}

}  // namespace
}  // namespace kcov::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kcov::test::run(data, size);
  return 0;
}
