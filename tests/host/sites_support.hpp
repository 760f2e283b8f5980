// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the tests of dormant call sites share: instrumented libraries to load, a tracer, and
// what the calls look like.
#pragma once

#include <dlfcn.h>
#include <link.h>

#include <array>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "port/x86_64/unmade_call.h"
#include "support.hpp"

namespace kcov::test {

inline constexpr std::size_t kCallBytes = 6;

using Records = std::vector<std::uint64_t>;

inline int first_bias(dl_phdr_info* info, std::size_t, void* bias) {
  *static_cast<std::uint64_t*>(bias) = info->dlpi_addr;
  return 1;
}
inline std::uint64_t program_bias() {
  std::uint64_t bias = 0;
  dl_iterate_phdr(first_bias, &bias);
  return bias;
}

// sites_traced.c in one of its forms, loaded anew: nothing of it is known.
class Library {
 public:
  explicit Library(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW)) {
    EXPECT_NE(nullptr, handle_) << dlerror();
    find(run, "sites_run");
    find(compare, "sites_compare");
    find(leap_often, "sites_leap_often");
    find(compute, "sites_compute");
  }
  ~Library() { dlclose(handle_); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  void (*run)(unsigned);
  int (*compare)(std::uint64_t, std::uint64_t);
  unsigned (*leap_often)(unsigned);
  unsigned (*compute)(unsigned);

 private:
  template <typename Function>
  void find(Function*& function, const char* name) {
    function = reinterpret_cast<Function*>(dlsym(handle_, name));
  }
  void* handle_;
};

inline std::vector<std::string> libraries() {
  std::vector<std::string> paths;
  std::istringstream all(SITES_LIBRARIES);
  for (std::string path; std::getline(all, path, ':');) paths.push_back(path);
  return paths;
}

// What a test is called that has this one for its parameter.
inline std::string name_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return path.substr(slash + 1, path.find('.', slash) - slash - 1);
}

inline struct kcov_host_sites sites() {
  struct kcov_host_sites now {};
  EXPECT_EQ(0, kcov_host_get_sites(&now));
  return now;
}

// A descriptor that traces what it is given.
class Tracer {
 public:
  Tracer() {
    EXPECT_EQ(0, file_.init(kWords));
    map_.emplace(file_.fd(), kWords);
  }
  template <typename Body>
  Records trace(const Body& body, unsigned long mode = KCOV_TRACE_PC) {
    EXPECT_EQ(0, file_.enable(mode));
    map_->set(0, 0);
    body();
    const std::size_t words = map_->count() * (mode == KCOV_TRACE_PC ? 1 : KCOV_WORDS_PER_CMP);
    EXPECT_EQ(0, file_.disable());
    return Records(map_->words() + 1, map_->words() + 1 + words);
  }
  const File& file() const { return file_; }

 private:
  File file_;
  std::optional<Map> map_;
};

// The byte at `address` as the code of a thread that goes through it would be: now.
inline unsigned char code_at(std::uint64_t address) {
  return *reinterpret_cast<const volatile unsigned char*>(address);
}
// The bytes of the call that returns to `pc`, a record, from the first of six on.
inline std::array<unsigned char, kCallBytes> call_at(std::uint64_t pc) {
  std::array<unsigned char, kCallBytes> bytes{};
  for (std::size_t index = 0; index < bytes.size(); ++index)
    bytes[index] = code_at(pc + program_bias() - kCallBytes + index);
  return bytes;
}

inline bool is_prefixes(std::uint64_t pc) {
  const auto bytes = call_at(pc);
  return bytes[1] == 0x2e && kcov_read_target(&bytes[2]) >= 0;
}
inline bool is_made(std::uint64_t pc) {
  const auto bytes = call_at(pc);
  const bool direct = bytes[1] == 0xe8;
  const bool through_slot = bytes[0] == 0xff && bytes[1] == 0x15;
  EXPECT_TRUE(direct || through_slot || bytes[1] == 0xa9 || is_prefixes(pc) ||
              (bytes[0] == 0x85 && bytes[1] == 0x15));
  return direct || through_slot;
}
inline int made(const Records& pcs) {
  int count = 0;
  for (const std::uint64_t pc : pcs) count += is_made(pc);
  return count;
}

// With the default again at the end, and awake.
class HostSites : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(0, kcov_host_sleep_after(0)); }
  void TearDown() override { EXPECT_EQ(0, kcov_host_sleep_after(10000)); }
};
class HostSitesOf : public HostSites, public testing::WithParamInterface<std::string> {};

}  // namespace kcov::test
