// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/arguments.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "report/printable.hpp"
#include "support/system_calls.hpp"

namespace kcov::report {
namespace {

using coverage::Call;

struct Name {
  std::uint64_t value;
  std::string_view name;
};

#define NAME(constant) \
  { static_cast<std::uint64_t>(constant), #constant }

constexpr Name kOpenFlags[] = {
    // What is made of several bits before what is one of them.
    {020200000, "O_TMPFILE"},
    NAME(O_CREAT),
    NAME(O_EXCL),
    NAME(O_NOCTTY),
    NAME(O_TRUNC),
    NAME(O_APPEND),
    NAME(O_NONBLOCK),
    {04010000, "O_SYNC"},
    NAME(O_DSYNC),
    NAME(O_ASYNC),
    {040000, "O_DIRECT"},
    {0100000, "O_LARGEFILE"},
    NAME(O_DIRECTORY),
    NAME(O_NOFOLLOW),
    {01000000, "O_NOATIME"},
    NAME(O_CLOEXEC),
    {010000000, "O_PATH"}};
constexpr Name kProtection[] = {NAME(PROT_READ), NAME(PROT_WRITE), NAME(PROT_EXEC),
                                NAME(PROT_GROWSDOWN), NAME(PROT_GROWSUP)};
constexpr Name kMapFlags[] = {NAME(MAP_SHARED_VALIDATE), NAME(MAP_SHARED),    NAME(MAP_PRIVATE),
                              NAME(MAP_FIXED_NOREPLACE), NAME(MAP_FIXED),     NAME(MAP_ANONYMOUS),
                              NAME(MAP_32BIT),           NAME(MAP_GROWSDOWN), NAME(MAP_DENYWRITE),
                              NAME(MAP_LOCKED),          NAME(MAP_NORESERVE), NAME(MAP_POPULATE),
                              NAME(MAP_NONBLOCK),        NAME(MAP_STACK),     NAME(MAP_HUGETLB)};
constexpr Name kAtFlags[] = {NAME(AT_SYMLINK_NOFOLLOW),     {0x200, "AT_REMOVEDIR"},
                             NAME(AT_SYMLINK_FOLLOW),       {0x800, "AT_NO_AUTOMOUNT"},
                             {0x1000, "AT_EMPTY_PATH"},     {0x2000, "AT_STATX_FORCE_SYNC"},
                             {0x4000, "AT_STATX_DONT_SYNC"}};
constexpr Name kAccess[] = {NAME(R_OK), NAME(W_OK), NAME(X_OK)};
constexpr Name kCloneFlags[] = {NAME(CLONE_VM),
                                NAME(CLONE_FS),
                                NAME(CLONE_FILES),
                                NAME(CLONE_SIGHAND),
                                NAME(CLONE_PIDFD),
                                NAME(CLONE_PTRACE),
                                NAME(CLONE_VFORK),
                                NAME(CLONE_PARENT),
                                NAME(CLONE_THREAD),
                                NAME(CLONE_NEWNS),
                                NAME(CLONE_SYSVSEM),
                                NAME(CLONE_SETTLS),
                                NAME(CLONE_UNTRACED),
                                NAME(CLONE_PARENT_SETTID),
                                NAME(CLONE_CHILD_CLEARTID),
                                NAME(CLONE_DETACHED),
                                NAME(CLONE_CHILD_SETTID),
                                NAME(CLONE_NEWCGROUP),
                                NAME(CLONE_NEWUTS),
                                NAME(CLONE_NEWIPC),
                                NAME(CLONE_NEWUSER),
                                NAME(CLONE_NEWPID),
                                NAME(CLONE_NEWNET),
                                NAME(CLONE_IO)};
constexpr Name kWaitOptions[] = {NAME(WNOHANG),          NAME(WUNTRACED),
                                 NAME(WCONTINUED),       {0x20000000, "__WNOTHREAD"},
                                 {0x40000000, "__WALL"}, {0x80000000, "__WCLONE"}};
constexpr Name kWhence[] = {
    NAME(SEEK_SET), NAME(SEEK_CUR), NAME(SEEK_END), {3, "SEEK_DATA"}, {4, "SEEK_HOLE"}};
constexpr Name kSignalMask[] = {NAME(SIG_BLOCK), NAME(SIG_UNBLOCK), NAME(SIG_SETMASK)};
constexpr Name kFileCommands[] = {
    NAME(F_DUPFD),          NAME(F_GETFD),          NAME(F_SETFD),        NAME(F_GETFL),
    NAME(F_SETFL),          NAME(F_GETLK),          NAME(F_SETLK),        NAME(F_SETLKW),
    NAME(F_SETOWN),         NAME(F_GETOWN),         {1024, "F_SETLEASE"}, NAME(F_DUPFD_CLOEXEC),
    {1031, "F_SETPIPE_SZ"}, {1032, "F_GETPIPE_SZ"}, {1033, "F_ADD_SEALS"}};
constexpr Name kFutex[] = {
    NAME(FUTEX_WAIT),        NAME(FUTEX_WAKE),        NAME(FUTEX_REQUEUE),
    NAME(FUTEX_CMP_REQUEUE), NAME(FUTEX_WAKE_OP),     NAME(FUTEX_LOCK_PI),
    NAME(FUTEX_UNLOCK_PI),   NAME(FUTEX_WAIT_BITSET), NAME(FUTEX_WAKE_BITSET)};
constexpr Name kFamilies[] = {NAME(AF_UNSPEC), {AF_UNIX, "AF_UNIX"}, NAME(AF_INET),
                              NAME(AF_INET6),  NAME(AF_NETLINK),     NAME(AF_PACKET)};
constexpr Name kSocketTypes[] = {NAME(SOCK_STREAM), NAME(SOCK_DGRAM), NAME(SOCK_RAW),
                                 NAME(SOCK_RDM), NAME(SOCK_SEQPACKET)};
constexpr Name kSocketFlags[] = {NAME(SOCK_CLOEXEC), NAME(SOCK_NONBLOCK)};
// What a call answers within the kernel only, to be made again.
constexpr Name kRestarts[] = {{512, "ERESTARTSYS"},
                              {513, "ERESTARTNOINTR"},
                              {514, "ERESTARTNOHAND"},
                              {516, "ERESTART_RESTARTBLOCK"}};

#undef NAME

std::string one_of(std::uint64_t value, std::span<const Name> names) {
  for (const Name& name : names)
    if (name.value == value) return std::string(name.name);
  return fmt::format("{}", static_cast<std::int32_t>(value));
}

// Names of bits, joined by |, behind `first`; what has no name is a number.
std::string bits(std::uint64_t value, std::span<const Name> names, std::string first = {},
                 std::string_view nothing = "0") {
  std::string text = std::move(first);
  const auto add = [&](std::string_view part) {
    if (!text.empty()) text += '|';
    text += part;
  };
  for (const Name& name : names) {
    if ((value & name.value) != name.value) continue;
    add(name.name);
    value &= ~name.value;
  }
  if (value != 0) add(fmt::format("{:#x}", value));
  return text.empty() ? std::string(nothing) : text;
}

std::string open_flags(std::uint64_t value) {
  static constexpr std::string_view kModes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};
  const std::uint64_t flags = static_cast<std::uint32_t>(value) & ~std::uint64_t{O_ACCMODE};
  return bits(flags, kOpenFlags, std::string(kModes[value & O_ACCMODE]));
}

std::string signal_name(std::uint64_t value) {
  const char* const name = ::sigabbrev_np(static_cast<int>(value));
  return name == nullptr ? fmt::format("{}", static_cast<int>(value)) : "SIG" + std::string(name);
}

std::string clone_flags(std::uint64_t value) {
  constexpr std::uint64_t kSignal = 0xff;
  const std::uint64_t flags = value & ~kSignal;
  const std::string text = flags == 0 ? std::string{} : bits(flags, kCloneFlags);
  if ((value & kSignal) == 0) return text.empty() ? "0" : text;
  return (text.empty() ? text : text + '|') + signal_name(value & kSignal);
}

std::string decoded(char kind, std::uint64_t value) {
  const auto word = static_cast<std::uint32_t>(value);
  switch (kind) {
    case '@':
      if (static_cast<int>(word) == AT_FDCWD) return "AT_FDCWD";
      return fmt::format("{}", static_cast<int>(word));
    case 'd':
    case 'n': return fmt::format("{}", static_cast<int>(word));
    case 'l': return fmt::format("{}", static_cast<std::int64_t>(value));
    case 'z': return fmt::format("{}", value);
    case 'O': return open_flags(value);
    case 'm': return word == 0 ? "0" : fmt::format("0{:o}", word);
    case 'r': return bits(word, kAccess, {}, "F_OK");
    case 'e': return one_of(word, kWhence);
    case 'A': return bits(word, kAtFlags);
    case 'P': return bits(value, kProtection, {}, "PROT_NONE");
    case 'M': return bits(value, kMapFlags);
    case 's': return signal_name(word);
    case 'h': return one_of(word, kSignalMask);
    case 'c': return one_of(word, kFileCommands);
    case 'f': {
      const std::string operation = one_of(word & FUTEX_CMD_MASK, kFutex);
      constexpr Name kFlags[] = {{FUTEX_PRIVATE_FLAG, "FUTEX_PRIVATE_FLAG"},
                                 {FUTEX_CLOCK_REALTIME, "FUTEX_CLOCK_REALTIME"}};
      return bits(word & ~static_cast<std::uint32_t>(FUTEX_CMD_MASK), kFlags, operation);
    }
    case 'C': return clone_flags(value);
    case 'W': return bits(word, kWaitOptions);
    case 'D': return one_of(word, kFamilies);
    case 'T': return bits(word & ~0xfU, kSocketFlags, one_of(word & 0xf, kSocketTypes));
    case 'o': return value == 0 ? "0" : fmt::format("{:#x}", value);
    default: return value == 0 ? "NULL" : fmt::format("{:#x}", value);
  }
}

// As C would have it, but for characters beyond ASCII, which are what they are.
std::string quoted(const Call::Text& text) {
  std::string marked;
  for (const char c : text.bytes) {
    switch (c) {
      case '"': marked += "\\\""; break;
      case '\\': marked += "\\\\"; break;
      case '\n': marked += "\\n"; break;
      case '\t': marked += "\\t"; break;
      case '\r': marked += "\\r"; break;
      default:
        if (static_cast<unsigned char>(c) < ' ' || c == 127) {
          marked += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
        } else {
          marked += c;
        }
    }
  }
  return '"' + printable(marked) + '"' + (text.is_cut_off ? "..." : "");
}

std::string result_of(const Call& call, char kind) {
  constexpr std::int64_t kMostErrno = 4095;
  if (!call.result) return "?";
  const std::int64_t result = *call.result;
  if (result >= 0 || result < -kMostErrno) return decoded(kind, static_cast<std::uint64_t>(result));
  const auto error = static_cast<int>(-result);
  for (const Name& restart : kRestarts) {
    if (restart.value == static_cast<std::uint64_t>(error))
      return fmt::format("? {} (to be made again)", restart.name);
  }
  const char* const name = ::strerrorname_np(error);
  if (name == nullptr) return fmt::format("-1 (error {})", error);
  return fmt::format("-1 {} ({})", name, ::strerrordesc_np(error));
}

}  // namespace

std::string name_of(const Call& call) {
  const SystemCall* const known = find_system_call(call.number);
  return known == nullptr ? fmt::format("system call {}", call.number) : std::string(known->name);
}

std::string text_of_call(const Call& call, const std::string& name, std::size_t columns) {
  const SystemCall* const known = find_system_call(call.number);
  std::string text = known == nullptr && !name.empty() ? printable(name) : name_of(call);
  text += '(';
  // Of a call that is not known, all that it may have been given.
  const std::string_view kinds = known == nullptr ? "xxxxxx" : known->arguments;
  static_assert(kSystemCallArguments == 6);
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const auto pointed = std::find_if(call.texts.begin(), call.texts.end(),
                                      [&](const Call::Text& of) { return of.argument == i; });
    // The rights of a file count only where one is made.
    constexpr std::uint64_t kMakes = O_CREAT | (020200000 & ~O_DIRECTORY);
    if (kinds[i] == 'm' && i > 0 && kinds[i - 1] == 'O' && (call.arguments[i - 1] & kMakes) == 0)
      continue;
    if (i > 0) text += ", ";
    if (pointed != call.texts.end()) {
      text += quoted(*pointed);
    } else if (call.has_arguments) {
      text += decoded(kinds[i] == 'p' ? 'x' : kinds[i], call.arguments[i]);
    } else {
      text += '?';
    }
  }
  const std::string end = ") = " + result_of(call, known == nullptr ? 'l' : known->result);
  if (columns != 0) {
    // The end is what one looks for.
    constexpr std::size_t kLeast = 8;
    const std::size_t taken = columns_of(end);
    if (taken + kLeast > columns) return cut_off(text + end, columns);
    text = cut_off(text, columns - taken);
  }
  return text + end;
}

}  // namespace kcov::report
