// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Writes what file_fuzz begins with: a file of each kind that the tool reads.
//   usage: seeds DIRECTORY IMAGE     (the image is one of them)
#include <cstdio>
#include <filesystem>
#include <string>

#include "coverage/coverage_set.hpp"
#include "coverage/merged_file.hpp"
#include "coverage/recording_file.hpp"
#include "support/files.hpp"
#include "symbol/image.hpp"

namespace {

using namespace kcov;
namespace fs = std::filesystem;

coverage::Recording small_recording(symbol::Image& image) {
  coverage::Recording recording;
  recording.command = {"sh", "-c", "ls"};
  recording.status = 1;
  recording.machine = "um, our kcov";
  recording.release = "6.12.1";
  recording.build_id = image.build_id();
  recording.locations = image.locate(image.coverable_pcs());
  image.store_answers(recording.locations);
  coverage::Task& task = recording.tasks.emplace_back();
  task.id = task.process = 17;
  task.programs = {{0, {"sh"}}, {2, {"ls", ""}}};
  for (std::uint32_t i = 0; i < recording.locations.size(); ++i) task.records.push_back(i);
  const auto end = static_cast<std::uint32_t>(task.records.size());
  task.entries = {{coverage::EntryKind::system_call, "read", {{0, 1}, {2, end}}},
                  {coverage::EntryKind::tracer, "(tracer)", {{1, 2}}}};
  return recording;
}

Status write_seeds(const fs::path& directory, const std::string& path, const std::string& module) {
  Result<symbol::Image> image = symbol::Image::open(path);
  if (!image) return image.error();
  fs::create_directories(directory);
  fs::copy_file(path, directory / "image", fs::copy_options::overwrite_existing);
  fs::copy_file(module, directory / "module", fs::copy_options::overwrite_existing);
  image->keep_answers_in(directory.string());
  const coverage::Recording recording = small_recording(*image);
  if (Status done = coverage::write_recording(directory / "recording", recording); !done)
    return done;
  coverage::Merger merger;
  if (Status done = merger.add(recording, "recording"); !done) return done;
  if (Status done = coverage::write_merged(directory / "merged", merger.take()); !done) return done;
  return write_file(directory / "pcs", "0xffffffff81000000\n4096\n\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: seeds DIRECTORY IMAGE MODULE\n");
    return 2;
  }
  const Status done = write_seeds(argv[1], argv[2], argv[3]);
  if (!done) std::fprintf(stderr, "seeds: %s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
