// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The C++ client (<kcov/device.hpp>) on a real kcov: what it says is what the calls say.
#include <kcov/device.hpp>

#include "rules.hpp"

namespace kcov::conformance {
namespace {

RULE(0, the_client_traces_PCs_comparisons_and_remote_sections) {
  if (subject.host && !subject.preloaded) {
    not_here("a file to open: the client is for a kernel's kcov, or the preloaded library's");
    return;
  }
  Device device;
  Buffer buffer;
  EXPECT(device.open().value(), 0);
  EXPECT(device.initialize(1 << 16).value(), 0);
  EXPECT(device.map(buffer).value(), 0);
  {
    const Scope scope(device, buffer, Mode::pcs);
    EXPECT(scope.error().value(), 0);
    EXPECT(run(blocks(2)), 0);
  }
  std::size_t own = 0;
  for (const std::uint64_t pc : buffer.pcs()) own += is_own(pc);
  EXPECT(own, pcs_of_work());
  buffer.reset();
  {
    const Scope scope(device, buffer, Mode::comparisons);
    EXPECT(run(compare()), 0);
  }
  std::size_t found = 0;
  for (const Comparison& comparison : buffer.comparisons()) {
    found += is_own(comparison.pc) && comparison.constant() && comparison.operand_bytes() == 4 &&
             comparison.arg1 == 0x71727374 && comparison.arg2 == 0xf1f2f3f4;
  }
  EXPECT(found, 1);
  buffer.reset();
  const std::uint64_t handles[] = {usb(3)};
  EXPECT(device.enable_remote(Mode::pcs, kWords, handles, common(3)).value(), 0);
  EXPECT(device.enable_remote(Mode::pcs, kWords, handles).value(), EINVAL);
  EXPECT(run({enter(KCOV_TEST_KTHREAD, {start(usb(3)), blocks(2), stop()}),
              enter(KCOV_TEST_KTHREAD, {start(common(3)), blocks(2), stop()})}),
         0);
  EXPECT(device.disable().value(), 0);
  own = 0;
  for (const std::uint64_t pc : buffer.pcs()) own += is_own(pc);
  EXPECT(own, 2 * pcs_of_work());
  std::uint64_t dropped = 1;
  EXPECT(device.dropped(dropped).value(), subject.stock ? ENOTTY : 0);
  EXPECT(dropped, subject.stock ? 1 : 0);
}

}  // namespace
}  // namespace kcov::conformance
