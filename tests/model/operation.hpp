// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A program of operations on kcov, as RapidCheck makes it and libFuzzer finds it: six
// bytes an operation, of which every value means something. Smaller bytes mean simpler
// things, so that what shrinks becomes simpler.
#pragma once

#include <array>
#include <cstdint>
#include <ostream>
#include <vector>

#include "core/port.hpp"
#include "include/kcov/uapi.h"

namespace kcov::test {

inline constexpr int kTasks = 4;
inline constexpr int kNobody = kTasks;  // where there is no task yet
inline constexpr int kSlots = 4;        // file descriptors

struct Operation {
  std::uint8_t kind, who, slot, a, b, c;
};

enum class Kind {
  open,
  initialize,
  map,
  enable,
  disable,
  remote_enable,
  close,
  other_command,
  trace_pc,
  trace_cmp,
  trace_switch,
  store,
  section_start,
  section_stop,
  interrupt,
  return_from_interrupt,
  task_switch,
  exit,
  create_task,
  no_memory,
};

template <typename T, std::size_t N>
T choose(const std::array<T, N>& choices, std::uint8_t byte) {
  return choices[byte % N];
}

// As often as they stand here.
inline Kind kind_of(const Operation& operation) {
  using enum Kind;
  static constexpr std::array kKinds = {
      open,
      initialize,
      enable,
      trace_pc,
      disable,
      remote_enable,
      remote_enable,
      section_start,
      section_start,
      section_stop,
      section_stop,
      trace_pc,
      trace_pc,
      trace_pc,
      trace_cmp,
      trace_cmp,
      trace_cmp,
      trace_switch,
      store,
      store,
      enable,
      interrupt,
      trace_pc,
      trace_cmp,
      enable,
      section_start,
      section_stop,
      trace_pc,
      disable,
      store,
      close,
      exit,
      create_task,
      map,
      task_switch,
      no_memory,
      other_command,
      remote_enable,
      return_from_interrupt,
      return_from_interrupt,
  };
  return choose(kKinds, operation.kind);
}

// --- what the bytes mean ---------------------------------------------------------------
// Every choice has its likely values more than once: a program that only ever errs, or
// whose tasks and descriptors never meet, tests little.

inline int task_of(const Operation& operation) {
  return choose(std::array{0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 3, kNobody}, operation.who);
}
inline int slot_of(const Operation& operation) {
  return choose(std::array{0, 0, 0, 0, 1, 1, 2, 3}, operation.slot);
}

inline std::uint64_t size_of(std::uint8_t byte) {
  return choose(std::array<std::uint64_t, 16>{16, 2, 3, 5, 9, 16, 17, 40, 8, 6, 0, 1,
                                              KCOV_MAX_WORDS + 1ull, 1ull << 61, ~0ull, 4},
                byte);
}

inline std::uint64_t mode_of(std::uint8_t byte) {
  return choose(
      std::array<std::uint64_t, 16>{0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 2, 1ull << 32, ~0ull},
      byte);
}

// What user space stores: mostly resets; counts at and around every limit, and what wraps.
inline std::uint64_t hostile_of(std::uint8_t byte) {
  return choose(std::array<std::uint64_t, 32>{0,
                                              0,
                                              0,
                                              0,
                                              0,
                                              0,
                                              0,
                                              0,
                                              0,
                                              0,
                                              1,
                                              1,
                                              2,
                                              3,
                                              3,
                                              4,
                                              7,
                                              8,
                                              15,
                                              16,
                                              17,
                                              39,
                                              40,
                                              1ull << 59,
                                              (1ull << 59) - 1,
                                              1ull << 61,
                                              1ull << 62,
                                              ~0ull >> 2,
                                              ~0ull - 1,
                                              ~0ull,
                                              0xffff'ffff'8100'0000,
                                              2},
                byte);
}

// Two of them are of one bucket of the table. The last ones are none.
inline std::uint64_t subsystem_handle_of(std::uint8_t byte) {
  constexpr std::uint64_t kUsb = KCOV_SUBSYSTEM_USB;
  return choose(
      std::array<std::uint64_t, 16>{kUsb | 1, kUsb | 1, kUsb | 2, kUsb | 65, kUsb | 1, kUsb | 2,
                                    kUsb, kUsb | KCOV_INSTANCE_MASK, kUsb | 3, kUsb | 1, kUsb | 65,
                                    kUsb | 2, 0, 9, kUsb | 1ull << 32, 2ull << 56 | 1},
      byte);
}

inline std::uint64_t handle_of(std::uint8_t byte) {
  switch (byte % 8) {
    case 0:
    case 1:
    case 2: return KCOV_SUBSYSTEM_USB | 1;
    case 3:
    case 4: return 9;
    case 5: return 10;
    case 6: return subsystem_handle_of(byte / 8);
    default:
      return choose(std::array<std::uint64_t, 4>{KCOV_SUBSYSTEM_USB | 2, 0, 1ull << 40, ~0ull},
                    byte / 8);
  }
}

// KCOV_REMOTE_ENABLE, and what may be wrong with its argument.
struct RemoteRequest {
  std::vector<std::uint64_t> handles;
  std::uint64_t common = 0;
  std::uint32_t mode = 0;
  std::uint32_t area_size = 0;
  enum Defect { none, unreadable, half_readable, too_many, changed } defect = none;
};

inline RemoteRequest request_of(const Operation& operation) {
  RemoteRequest request;
  for (unsigned i = 0; i < operation.a % 4u; ++i)
    request.handles.push_back(
        subsystem_handle_of(static_cast<std::uint8_t>(operation.a / 4 + i * 5)));
  // None, good ones, and one that is no common handle.
  request.common = choose(
      std::array<std::uint64_t, 8>{0, 9, 10, 9, 10, 0, 9, KCOV_SUBSYSTEM_USB | 1}, operation.b);
  request.mode =
      choose(std::array<std::uint32_t, 16>{0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 2},
             operation.b / 8);
  request.area_size =
      choose(std::array<std::uint32_t, 16>{16, 1, 2, 5, 9, 3, 40, 16, 9, 5, 17, 16, 8, 40, 16, 0},
             operation.c);
  // A quarter of them.
  if (operation.c / 16 >= 12) {
    request.defect = choose(std::array{RemoteRequest::unreadable, RemoteRequest::half_readable,
                                       RemoteRequest::too_many, RemoteRequest::changed},
                            operation.c / 16);
  }
  return request;
}

inline void showValue(const Operation& operation, std::ostream& out) {
  static constexpr const char* kNames[] = {
      "open",          "initialize",    "map",          "enable",
      "disable",       "remote_enable", "close",        "other_command",
      "trace_pc",      "trace_cmp",     "trace_switch", "store",
      "section_start", "section_stop",  "interrupt",    "return_from_interrupt",
      "task_switch",   "exit",          "create_task",  "no_memory"};
  out << kNames[static_cast<int>(kind_of(operation))] << " task " << task_of(operation) << " slot "
      << slot_of(operation) << " {" << int{operation.kind} << "," << int{operation.who} << ","
      << int{operation.slot} << "," << int{operation.a} << "," << int{operation.b} << ","
      << int{operation.c} << "}";
}

}  // namespace kcov::test
