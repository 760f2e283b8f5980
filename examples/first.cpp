// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The first kcov program with the C++ client: which kernel code does read(-1, NULL, 0)
// execute? Prints the PCs, one a line; `kcovtool symbolize` names them.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <kcov/device.hpp>

namespace {

void check(std::error_code error, const char* what) {
  if (!error) return;
  std::fprintf(stderr, "%s: %s\n", what, error.message().c_str());
  std::exit(1);
}

}  // namespace

int main() {
  kcov::Device device;
  kcov::Buffer buffer;
  check(device.open(), kcov::kDevicePath);
  check(device.initialize(64 << 10), "giving the buffer a size");
  check(device.map(buffer), "mapping the buffer");

  {
    const kcov::Scope scope(device, buffer, kcov::Mode::pcs);
    check(scope.error(), "enabling");
    (void)!::read(-1, nullptr, 0);
  }
  for (const std::uint64_t pc : buffer.pcs()) {
    std::printf("0x%llx\n", static_cast<unsigned long long>(pc));
  }
}
