// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The programs that the tests look into, and the PCs that those tell of themselves.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include "symbol/image.hpp"

namespace kcov::symbol {

inline std::string program(const std::string& name) {
  return std::string(KCOV_TEST_PROGRAMS) + "/" + name;
}

inline Image open_program(const std::string& name) {
  Result<Image> image = Image::open(program(name));
  if (!image) ADD_FAILURE() << image.error().message;
  return *std::move(image);
}

// A file to write that no other test has, however many run at once.
inline std::string scratch_path() {
  return ::testing::TempDir() + "kcov_symbol_test." + std::to_string(getpid());
}

inline std::string output_of(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string text;
  char chunk[4096];
  while (const std::size_t size = std::fread(chunk, 1, sizeof chunk, pipe)) {
    text.append(chunk, size);
  }
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

// By the name it was taken under: addresses as linked.
inline std::map<std::string, std::uint64_t> pcs_of(const std::string& name) {
  std::map<std::string, std::uint64_t> pcs;
  std::istringstream lines(output_of(program(name)));
  std::uint64_t pc = 0;
  std::string tag;
  while (lines >> std::hex >> pc && std::getline(lines >> std::ws, tag)) pcs[tag] = pc;
  return pcs;
}

}  // namespace kcov::symbol
