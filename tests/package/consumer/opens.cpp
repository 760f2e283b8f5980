// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The least that uses the library, in C++.
#include <fcntl.h>
#include <kcov/host.h>

int main() { return kcov_host_open(O_RDWR) < 0; }
