// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Names as C++ has them; tells its own PC like shop.c.
#include <cstdio>

static void* taken;

__attribute__((noinline)) void take() {
  taken = __builtin_return_address(0);
  __asm__ volatile("" ::: "memory");
}

#line 10 "names.cpp"
namespace shop {
struct Till {
  template <class Coin>
  __attribute__((always_inline)) void ring(Coin coin) {
    if (coin > 0) take();
  }
  __attribute__((noinline)) void serve(int coins);
};
namespace {
__attribute__((noinline)) void quietly(Till& till, int coins) {
  till.ring(coins);
  __asm__ volatile("" ::: "memory");
}
}  // namespace
void Till::serve(int coins) {
  quietly(*this, coins);
  __asm__ volatile("" ::: "memory");
}
}  // namespace shop

extern char __executable_start[];

int main(int argc, char**) {
  shop::Till till;
  till.serve(argc);
  std::printf("%lx ring\n", reinterpret_cast<unsigned long>(taken) -
                                reinterpret_cast<unsigned long>(__executable_start));
}
