// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Writes recordings for bench/merge: each of one task, which recorded so many of the PCs that
// kcov can record in an image, once each, in a hundred system calls. Nine tenths of them are the
// same in all, as they are in runs of one program; the others are drawn anew for each.
//   usage: recordings VMLINUX PCS COUNT DIRECTORY
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "coverage/recording_file.hpp"
#include "symbol/image.hpp"

namespace {

using namespace kcov;

coverage::Recording recording_of(const symbol::Image& image, const symbol::Locations& all,
                                 std::size_t size, std::mt19937_64& random) {
  coverage::Recording recording;
  recording.command = {"bench"};
  recording.status = 0;
  recording.machine = "none";
  recording.release = "bench";
  recording.build_id = image.build_id();
  recording.locations.adopt_all_of(all);
  std::vector<std::uint32_t> drawn(all.size());
  for (std::uint32_t i = 0; i < drawn.size(); ++i) drawn[i] = i;
  std::mt19937_64 common(1);
  std::shuffle(drawn.begin(), drawn.end(), common);
  std::shuffle(drawn.begin() + static_cast<std::ptrdiff_t>(size - size / 10), drawn.end(), random);
  coverage::Task& task = recording.tasks.emplace_back();
  task.id = task.process = 1;
  task.programs.push_back({0, {"bench"}});
  for (std::uint32_t i = 0; i < size; ++i) {
    recording.locations.push_back(all[drawn[i]]);
    task.records.push_back(i);
  }
  constexpr std::size_t kCalls = 100;
  for (std::size_t call = 0; call < kCalls; ++call) {
    const auto begin = static_cast<std::uint32_t>(size * call / kCalls);
    const auto end = static_cast<std::uint32_t>(size * (call + 1) / kCalls);
    task.entries.push_back(
        {coverage::EntryKind::system_call, "call" + std::to_string(call % 30), {{begin, end}}});
  }
  return recording;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: recordings VMLINUX PCS COUNT DIRECTORY\n");
    return 2;
  }
  Result<symbol::Image> image = symbol::Image::open(argv[1]);
  const std::size_t size = std::strtoul(argv[2], nullptr, 10);
  if (!image) {
    std::fprintf(stderr, "recordings: %s\n", image.error().message.c_str());
    return 1;
  }
  const symbol::Locations all = image->locate(image->coverable_pcs());
  if (size == 0 || all.size() < size) {
    std::fprintf(stderr, "recordings: %s has %zu PCs to cover\n", argv[1], all.size());
    return 1;
  }
  std::mt19937_64 random(2);
  for (int i = 0; i < std::atoi(argv[3]); ++i) {
    const std::string path = std::string(argv[4]) + "/" + std::to_string(i) + ".kcov";
    if (Status done = coverage::write_recording(path, recording_of(*image, all, size, random));
        !done) {
      std::fprintf(stderr, "recordings: %s\n", done.error().message.c_str());
      return 1;
    }
  }
  return 0;
}
