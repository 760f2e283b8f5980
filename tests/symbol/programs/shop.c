// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// A program that tells its own PCs: each call of take("name") records the address that it
// returns to, and main() prints them all, less the address the program was loaded at.
// #line pins every answer, so that the test can name file and line outright.
#include <setjmp.h>
#include <stdio.h>

#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE static inline __attribute__((always_inline))
// Behind a call at the end of a function: keeps it from being made a jump.
#define NOT_LAST __asm__ volatile("" ::: "memory")

static struct {
  const char* name;
  void* pc;
} taken[64];
static int taken_count;
static jmp_buf back;

static void record(const char* name, void* pc) {
  taken[taken_count].name = name;
  taken[taken_count].pc = pc;
  ++taken_count;
}

NOINLINE void take(const char* name) {
  record(name, __builtin_return_address(0));
  NOT_LAST;
}

NOINLINE __attribute__((noreturn)) void take_and_leave(const char* name) {
  record(name, __builtin_return_address(0));
  longjmp(back, 1);
}

NOINLINE __attribute__((cold)) void mishap(void) { NOT_LAST; }

void asm_sized(void);
void asm_label(void);
void asm_last(void);

#line 10 "shop/till.h"
ALWAYS_INLINE void ring(void) {
  take("inlined twice");
}

#line 20 "./shop/sub/../counter.h"
ALWAYS_INLINE void pay(int coins) {
  if (coins > 0)
    ring();
}

#line 30 "shop/main.c"
NOINLINE void serve(int coins) {
  take("before");
  pay(coins);
  take("after");
  NOT_LAST;
}

#line 40 "shop/lines.c"
NOINLINE void two_lines(void) {
  take("first line");
  take("second line");
#line 60 "shop/part.h"
  take("in a part");
#line 43 "shop/lines.c"
  NOT_LAST;
}

#line 50 "shop/last.c"
NOINLINE __attribute__((noreturn)) void ends_in_call(void) {
  take_and_leave("last call");
}

#line 60 "shop/cold.c"
NOINLINE static int has_cold_part(int number) {
  if (__builtin_expect(number > 100, 0)) {
    mishap();
    take("cold");
    return number - 100;
  }
  take("hot");
  return number * 3;
}

#line 80 "/elsewhere/./lib/abs.c"
NOINLINE void outside_the_directory(void) {
  take("elsewhere");
  NOT_LAST;
}

#line 100 "shop/main.c"
extern char __executable_start[];

int main(int argc, char** argv) {
  (void)argv;
  volatile int number = argc;
  serve(number);
  two_lines();
  if (setjmp(back) == 0) ends_in_call();
  number = has_cold_part(number) + has_cold_part(number + 1000);
  outside_the_directory();
  record("asm_sized", (void*)asm_sized);
  record("asm_label", (void*)asm_label);
  record("asm_last", (void*)asm_last);
#ifdef __PIE__
  unsigned long base = (unsigned long)__executable_start;
#else
  unsigned long base = 0;
#endif
  for (int i = 0; i < taken_count; ++i) {
    printf("%lx %s\n", (unsigned long)taken[i].pc - base, taken[i].name);
  }
  return 0;
}
