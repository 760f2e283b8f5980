// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Our kcov against stock Linux's, on random programs.
//
//   kcov_differential --compare KCOVTOOL MACHINE SEED PROGRAMS LENGTH
//       on any host: boots both kernels, runs the same programs, compares what each saw;
//       the first difference is cut down to the shortest program that shows it
//   kcov_differential --compare KCOVTOOL MACHINE FILE
//       the same for one program
//   kcov_differential --digest SEED PROGRAMS LENGTH     in a kernel: a line a program
//   kcov_differential --replay FILE                     in a kernel: a line an operation
//   kcov_differential --print SEED INDEX LENGTH         a program as text
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <future>
#include <sstream>
#include <utility>

#include "execute.hpp"

namespace {

using namespace kcov::differential;

std::uint64_t number(const char* text) { return std::strtoull(text, nullptr, 0); }

int digest(std::uint64_t seed, std::uint64_t programs, std::size_t length) {
  for (std::uint64_t index = 0; index < programs; ++index) {
    const std::vector<std::string> lines = execute(generate(seed, index, length));
    // A program that dies would be the same on both kernels, and prove nothing.
    if (lines.size() != length) {
      std::printf("program %llu died\n", static_cast<unsigned long long>(index));
      return 1;
    }
    std::string all;
    for (const std::string& line : lines) all += line + '\n';
    std::printf("%llu %zx\n", static_cast<unsigned long long>(index),
                std::hash<std::string>{}(all));
  }
  return 0;
}

bool read_program(const std::string& path, Program& program) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return file.good() && from_text(text.str(), program);
}

int replay(const std::string& path) {
  Program program;
  if (!read_program(path, program)) {
    std::fprintf(stderr, "kcov_differential: %s is no program\n", path.c_str());
    return 2;
  }
  for (const std::string& line : execute(program)) std::printf("%s\n", line.c_str());
  return 0;
}

class Comparison {
 public:
  Comparison(std::string tool, std::string machine, std::string self)
      : tool_(std::move(tool)), machine_(std::move(machine)), self_(std::move(self)) {}

  int compare(const Program& program) {
    if (differs(program)) return shrink(program);
    std::printf("the same on both kernels\n");
    return 0;
  }

  int compare(std::uint64_t seed, std::uint64_t programs, std::size_t length) {
    const std::string arguments = "--digest " + std::to_string(seed) + ' ' +
                                  std::to_string(programs) + ' ' + std::to_string(length);
    const auto [ours, stock] = run_both(arguments);
    if (ours.size() != programs || stock.size() != programs) {
      std::printf("ours finished %zu programs, stock %zu, of %llu\n", ours.size(), stock.size(),
                  static_cast<unsigned long long>(programs));
      return 1;
    }
    for (std::uint64_t index = 0; index < programs; ++index) {
      if (ours[index] == stock[index]) continue;
      std::printf("program %llu of seed %llu differs\n", static_cast<unsigned long long>(index),
                  static_cast<unsigned long long>(seed));
      return shrink(generate(seed, index, length));
    }
    std::printf("%llu operations, the same on both kernels\n",
                static_cast<unsigned long long>(programs * length));
    return 0;
  }

 private:
  // On both kernels side by side: ours, stock.
  std::pair<std::vector<std::string>, std::vector<std::string>> run_both(
      const std::string& arguments) const {
    auto stock = std::async(std::launch::async, [&] { return run(true, arguments); });
    std::vector<std::string> ours = run(false, arguments);
    return {std::move(ours), stock.get()};
  }

  // What the command prints on our kernel, or the stock one.
  std::vector<std::string> run(bool stock, const std::string& arguments) const {
    const std::string command = tool_ + " lab run --machine " + machine_ +
                                (stock ? " --stock" : "") + " -- " + self_ + ' ' + arguments;
    std::vector<std::string> lines;
    FILE* const pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return lines;
    char line[8192];
    while (std::fgets(line, sizeof line, pipe) != nullptr) lines.emplace_back(line);
    ::pclose(pipe);
    return lines;
  }

  bool differs(const Program& program, bool show = false) const {
    const char* const directory = std::getenv("TMPDIR");
    const std::string path = std::string(directory == nullptr ? "/tmp" : directory) +
                             "/kcov_differential." + std::to_string(::getpid());
    std::ofstream(path) << to_text(program);
    const auto [ours, stock] = run_both("--replay " + path);
    ::unlink(path.c_str());
    if (show) {
      std::istringstream text(to_text(program));
      std::string line;
      for (std::size_t i = 0; std::getline(text, line); ++i) {
        std::printf("%s\n", line.c_str());
        const std::string left = i < ours.size() ? ours[i] : "nothing\n";
        const std::string right = i < stock.size() ? stock[i] : "nothing\n";
        if (left == right) continue;
        std::printf("    ours:  %s    stock: %s", left.c_str(), right.c_str());
      }
    }
    return ours != stock;
  }

  // Takes parts out as long as the difference stays: halves, quarters, ... one by one.
  int shrink(Program program) const {
    if (!differs(program)) {
      std::printf("but not again: chance\n");
      return 3;
    }
    for (std::size_t part = program.size() / 2; part > 0; part /= 2) {
      for (std::size_t at = 0; at < program.size();) {
        Program shorter(program.begin(), program.begin() + static_cast<std::ptrdiff_t>(at));
        if (at + part < program.size()) {
          shorter.insert(shorter.end(), program.begin() + static_cast<std::ptrdiff_t>(at + part),
                         program.end());
        }
        if (differs(shorter)) {
          program = shorter;
        } else {
          at += part;
        }
      }
    }
    differs(program, true);
    return 1;
  }

  std::string tool_;
  std::string machine_;
  std::string self_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "--after-exec") return after_exec(argc - 2, argv + 2);
  if (mode == "--digest" && argc == 5)
    return digest(number(argv[2]), number(argv[3]), number(argv[4]));
  if (mode == "--replay" && argc == 3) return replay(argv[2]);
  if (mode == "--print" && argc == 5) {
    std::fputs(to_text(generate(number(argv[2]), number(argv[3]), number(argv[4]))).c_str(),
               stdout);
    return 0;
  }
  if (mode == "--compare" && (argc == 5 || argc == 7)) {
    char self[4096] = {};
    if (::readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 2;
    Comparison comparison(argv[2], argv[3], self);
    if (argc == 7) return comparison.compare(number(argv[4]), number(argv[5]), number(argv[6]));
    Program program;
    if (read_program(argv[4], program)) return comparison.compare(program);
    std::fprintf(stderr, "kcov_differential: %s is no program\n", argv[4]);
    return 2;
  }
  std::fprintf(stderr,
               "usage: kcov_differential --compare KCOVTOOL MACHINE SEED PROGRAMS LENGTH\n"
               "       kcov_differential --compare KCOVTOOL MACHINE FILE\n");
  return 2;
}
