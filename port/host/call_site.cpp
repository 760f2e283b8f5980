// SPDX-License-Identifier: GPL-2.0-only OR MIT
// BANNER: never instrumented; runs in any context (sites.hpp).
#include "port/host/call_site.hpp"

#include <string.h>

#include <initializer_list>
#include <iterator>

namespace kcov::host {

namespace {

const std::uintptr_t* callbacks = nullptr;
std::size_t callback_count = 0;

bool is_callback(std::uintptr_t address) noexcept {
  for (std::size_t index = 0; index < callback_count; ++index)
    if (callbacks[index] == address) return true;
  return false;
}

// Where an operand relative to `next`, the instruction after it, leads.
std::uintptr_t relative(const unsigned char* operand, std::uintptr_t next) noexcept {
  std::int32_t distance;
  memcpy(&distance, operand, sizeof distance);
  return next + static_cast<std::uintptr_t>(static_cast<std::intptr_t>(distance));
}

bool starts_with(const unsigned char* code, std::initializer_list<unsigned char> bytes) noexcept {
  for (const unsigned char byte : bytes)
    if (*code++ != byte) return false;
  return true;
}

// Not on the stack, which may be a signal handler's.
struct Known {
  std::uintptr_t address;
  std::uintptr_t callback;
};
using Memo = Known[64];
constinit Memo stubs{};
constinit Memo slots{};

template <typename Read>
std::uintptr_t remembered(Memo& memo, std::uintptr_t address, const Read& read) noexcept {
  // Stubs and slots lie 8 or 16 bytes apart.
  Known& place = memo[address / 8 % std::size(memo)];
  if (place.address != address) place = {address, read(address)};
  return place.callback;
}

}  // namespace

void set_callbacks(const std::uintptr_t* addresses, std::size_t count) noexcept {
  callbacks = addresses;
  callback_count = count;
}

Targets::Targets(const OwnMemory& memory) noexcept : memory_(memory) {
  memset(stubs, 0, sizeof stubs);
  memset(slots, 0, sizeof slots);
}

// endbr64, where indirect jumps are checked; mov $number, %r11d (mold's); bnd; jmp *slot(%rip).
std::uintptr_t Targets::read_stub(std::uintptr_t address) const noexcept {
  unsigned char code[32]{};
  const std::size_t found = memory_.read(address, code, 24);
  std::size_t at = 0;
  if (starts_with(code, {0xf3, 0x0f, 0x1e, 0xfa})) at += 4;
  if (starts_with(code + at, {0x41, 0xbb})) at += 6;
  if (code[at] == 0xf2) ++at;
  if (!starts_with(code + at, {0xff, 0x25})) return 0;
  at += 6;
  return at > found ? 0 : read_slot(relative(code + at - 4, address + at));
}

std::uintptr_t Targets::read_slot(std::uintptr_t address) const noexcept {
  std::uintptr_t value;
  if (memory_.read(address, &value, sizeof value) != sizeof value) return 0;
  return is_callback(value) ? value : 0;
}

std::uintptr_t Targets::callback_at(std::uintptr_t target) noexcept {
  if (is_callback(target)) return target;
  return remembered(stubs, target, [this](std::uintptr_t at) { return read_stub(at); });
}

std::uintptr_t Targets::callback_in(std::uintptr_t slot) noexcept {
  return remembered(slots, slot, [this](std::uintptr_t at) { return read_slot(at); });
}

CallSite call_before(const unsigned char* bytes, std::uintptr_t return_address, Targets& targets,
                     const NumberedTargets& numbers) noexcept {
  const std::uintptr_t operand = relative(bytes + 2, return_address);
  const int number = kcov_read_target(bytes + 2);
  CallForm form = CallForm::made;
  switch (bytes[1]) {
    case KCOV_CALL_MADE:
      if (number >= 0) return {};
      break;
    case KCOV_CALL_SKIPPED: form = number < 0 ? CallForm::skipped : CallForm::numbered; break;
    case KCOV_CALL_PREFIX:
      if (number < 0) return {};
      form = CallForm::prefixes;
      break;
    case 0x15:
      if (bytes[0] == first_byte(6, CallForm::skipped)) form = CallForm::skipped;
      if (bytes[0] != first_byte(6, form)) return {};
      return {targets.callback_in(operand), operand, 6, form};
    default: return {};
  }
  const std::uintptr_t target =
      number < 0 ? operand : numbers.target_of(return_address, static_cast<unsigned>(number));
  return {target == 0 ? 0 : targets.callback_at(target), target, 5, form};
}

bool can_be_prefixes(const unsigned char* bytes, std::size_t readable, unsigned length) noexcept {
  if (length != 5) return false;
  // The end of another instruction perhaps; or a prefix, as 67 is, which would be the next
  // one's then.
  static constexpr unsigned char kPrefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
                                                0x66, 0x67, 0xf0, 0xf2, 0xf3};
  for (const unsigned char prefix : kPrefixes)
    if (bytes[0] == prefix) return false;
  // What was not read is not looked at, but for what makes it longer than `readable`.
  const unsigned next = kcov_takes_prefixes(bytes + kCallBytes);
  return next != 0 && next <= readable;
}

}  // namespace kcov::host
