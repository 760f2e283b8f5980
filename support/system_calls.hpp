// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the arguments of Linux's commonest system calls are, on x86_64. Both ends need it: who
// follows a command, to fetch the texts that arguments point to, and who prints what they were.
//
// Headers of the C library alone: kcov-agent is linked with nothing else.
#pragma once

#include <sys/syscall.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#ifndef __x86_64__
#error "the arguments of system calls are known for x86_64 only"
#endif

namespace kcov {

inline constexpr std::size_t kSystemCallArguments = 6;

// A letter for each argument, and what it is:
//
//   d  a file descriptor              m  access rights of a file that is made
//   @  a directory's, or AT_FDCWD     r  what access() asks for
//   p  a path, or another text        e  where lseek() starts
//   O  flags of open()                A  AT_... flags
//   n  a signed number of 32 bits     P  protection of memory
//   l  a signed number                M  flags of mmap()
//   z  a size                         s  a signal
//   x  an address                     h  what is done with a signal mask
//   o  a set of bits, an offset       f  an operation of futex()
//   c  a command of fcntl()
//   C  flags of clone()               W  options of wait4()
//   D  a family of sockets            T  a type of sockets
struct SystemCall {
  long number;
  std::string_view name;
  std::string_view arguments;
  char result = 'l';  // the same letters
};

inline constexpr SystemCall kSystemCalls[] = {
    {SYS_read, "read", "dxz"},
    {SYS_write, "write", "dxz"},
    {SYS_open, "open", "pOm", 'd'},
    {SYS_close, "close", "d"},
    {SYS_stat, "stat", "px"},
    {SYS_fstat, "fstat", "dx"},
    {SYS_lstat, "lstat", "px"},
    {SYS_poll, "poll", "xzn"},
    {SYS_lseek, "lseek", "dle"},
    {SYS_mmap, "mmap", "xzPMdo", 'x'},
    {SYS_mprotect, "mprotect", "xzP"},
    {SYS_munmap, "munmap", "xz"},
    {SYS_brk, "brk", "x", 'x'},
    {SYS_rt_sigaction, "rt_sigaction", "sxxz"},
    {SYS_rt_sigprocmask, "rt_sigprocmask", "hxxz"},
    {SYS_rt_sigreturn, "rt_sigreturn", "", 'x'},
    {SYS_ioctl, "ioctl", "dox"},
    {SYS_pread64, "pread64", "dxzl"},
    {SYS_pwrite64, "pwrite64", "dxzl"},
    {SYS_readv, "readv", "dxz"},
    {SYS_writev, "writev", "dxz"},
    {SYS_access, "access", "pr"},
    {SYS_pipe, "pipe", "x"},
    {SYS_select, "select", "nxxxx"},
    {SYS_sched_yield, "sched_yield", ""},
    {SYS_mremap, "mremap", "xzzox", 'x'},
    {SYS_madvise, "madvise", "xzn"},
    {SYS_dup, "dup", "d", 'd'},
    {SYS_dup2, "dup2", "dd", 'd'},
    {SYS_pause, "pause", ""},
    {SYS_nanosleep, "nanosleep", "xx"},
    {SYS_getpid, "getpid", ""},
    {SYS_sendfile, "sendfile", "ddxz"},
    {SYS_socket, "socket", "DTn", 'd'},
    {SYS_connect, "connect", "dxn"},
    {SYS_accept, "accept", "dxx", 'd'},
    {SYS_sendto, "sendto", "dxzoxn"},
    {SYS_recvfrom, "recvfrom", "dxzoxx"},
    {SYS_sendmsg, "sendmsg", "dxo"},
    {SYS_recvmsg, "recvmsg", "dxo"},
    {SYS_shutdown, "shutdown", "dn"},
    {SYS_bind, "bind", "dxn"},
    {SYS_listen, "listen", "dn"},
    {SYS_socketpair, "socketpair", "DTnx"},
    {SYS_setsockopt, "setsockopt", "dnnxn"},
    {SYS_getsockopt, "getsockopt", "dnnxx"},
    {SYS_clone, "clone", "Cxxxx"},
    {SYS_fork, "fork", ""},
    {SYS_vfork, "vfork", ""},
    {SYS_execve, "execve", "pxx"},
    {SYS_exit, "exit", "n"},
    {SYS_wait4, "wait4", "nxWx"},
    {SYS_kill, "kill", "ns"},
    {SYS_uname, "uname", "x"},
    {SYS_fcntl, "fcntl", "dco"},
    {SYS_flock, "flock", "dn"},
    {SYS_fsync, "fsync", "d"},
    {SYS_truncate, "truncate", "pl"},
    {SYS_ftruncate, "ftruncate", "dl"},
    {SYS_getcwd, "getcwd", "xz"},
    {SYS_chdir, "chdir", "p"},
    {SYS_fchdir, "fchdir", "d"},
    {SYS_rename, "rename", "pp"},
    {SYS_mkdir, "mkdir", "pm"},
    {SYS_rmdir, "rmdir", "p"},
    {SYS_creat, "creat", "pm", 'd'},
    {SYS_link, "link", "pp"},
    {SYS_unlink, "unlink", "p"},
    {SYS_symlink, "symlink", "pp"},
    {SYS_readlink, "readlink", "pxz"},
    {SYS_chmod, "chmod", "pm"},
    {SYS_fchmod, "fchmod", "dm"},
    {SYS_chown, "chown", "pnn"},
    {SYS_umask, "umask", "m", 'm'},
    {SYS_gettimeofday, "gettimeofday", "xx"},
    {SYS_getrlimit, "getrlimit", "nx"},
    {SYS_getuid, "getuid", ""},
    {SYS_getgid, "getgid", ""},
    {SYS_geteuid, "geteuid", ""},
    {SYS_getegid, "getegid", ""},
    {SYS_setpgid, "setpgid", "nn"},
    {SYS_getppid, "getppid", ""},
    {SYS_setsid, "setsid", ""},
    {SYS_sigaltstack, "sigaltstack", "xx"},
    {SYS_statfs, "statfs", "px"},
    {SYS_fstatfs, "fstatfs", "dx"},
    {SYS_prctl, "prctl", "noooo"},
    {SYS_arch_prctl, "arch_prctl", "ox"},
    {SYS_mount, "mount", "pppox"},
    {SYS_umount2, "umount2", "pn"},
    {SYS_gettid, "gettid", ""},
    {SYS_futex, "futex", "xfnxxn"},
    {SYS_getdents64, "getdents64", "dxz"},
    {SYS_set_tid_address, "set_tid_address", "x"},
    {SYS_fadvise64, "fadvise64", "dlzn"},
    {SYS_clock_gettime, "clock_gettime", "nx"},
    {SYS_clock_nanosleep, "clock_nanosleep", "nnxx"},
    {SYS_exit_group, "exit_group", "n"},
    {SYS_epoll_wait, "epoll_wait", "dxnn"},
    {SYS_epoll_ctl, "epoll_ctl", "dndx"},
    {SYS_tgkill, "tgkill", "nns"},
    {SYS_openat, "openat", "@pOm", 'd'},
    {SYS_mkdirat, "mkdirat", "@pm"},
    {SYS_newfstatat, "newfstatat", "@pxA"},
    {SYS_unlinkat, "unlinkat", "@pA"},
    {SYS_renameat, "renameat", "@p@p"},
    {SYS_linkat, "linkat", "@p@pA"},
    {SYS_symlinkat, "symlinkat", "p@p"},
    {SYS_readlinkat, "readlinkat", "@pxz"},
    {SYS_fchmodat, "fchmodat", "@pm"},
    {SYS_fchownat, "fchownat", "@pnnA"},
    {SYS_faccessat, "faccessat", "@pr"},
    {SYS_pselect6, "pselect6", "nxxxxx"},
    {SYS_ppoll, "ppoll", "xzxxz"},
    {SYS_set_robust_list, "set_robust_list", "xz"},
    {SYS_utimensat, "utimensat", "@pxA"},
    {SYS_epoll_pwait, "epoll_pwait", "dxnnxz"},
    {SYS_eventfd2, "eventfd2", "no", 'd'},
    {SYS_epoll_create1, "epoll_create1", "o", 'd'},
    {SYS_dup3, "dup3", "ddO", 'd'},
    {SYS_pipe2, "pipe2", "xO"},
    {SYS_prlimit64, "prlimit64", "nnxx"},
    {SYS_accept4, "accept4", "dxxo", 'd'},
    {SYS_renameat2, "renameat2", "@p@po"},
    {SYS_getrandom, "getrandom", "xzo"},
    {SYS_memfd_create, "memfd_create", "po", 'd'},
    {SYS_execveat, "execveat", "@pxxA"},
    {SYS_membarrier, "membarrier", "nxn"},
    {SYS_copy_file_range, "copy_file_range", "dxdxzo"},
    {SYS_statx, "statx", "@pAox"},
    {SYS_rseq, "rseq", "xzoo"},
    {SYS_clone3, "clone3", "xz"},
    {SYS_close_range, "close_range", "ddo"},
    {SYS_openat2, "openat2", "@pxz", 'd'},
    {SYS_faccessat2, "faccessat2", "@prA"},
};

// Null: it is none of those.
constexpr const SystemCall* find_system_call(std::uint64_t number) {
  for (const SystemCall& call : kSystemCalls)
    if (static_cast<std::uint64_t>(call.number) == number) return &call;
  return nullptr;
}

}  // namespace kcov
