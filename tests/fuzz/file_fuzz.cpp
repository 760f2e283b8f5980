// SPDX-License-Identifier: GPL-2.0-only OR MIT
// libFuzzer on all that reads files: any bytes, to each reader. What they say of them is up to
// their own tests; here nothing may crash, hang or eat up memory, and what a reader lets pass
// must hold together: it is walked through, written, and must be read again as it was.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "coverage/coverage_set.hpp"
#include "coverage/merged_file.hpp"
#include "coverage/recording_file.hpp"
#include "symbol/image.hpp"
#include "symbol/location_cache.hpp"
#include "symbol/module_link.hpp"
#include "symbol/pc_list.hpp"

namespace {

using namespace kcov;

void demand(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "file_fuzz: %s\n", what);
  std::abort();
}

const std::string& scratch() {
  static const std::string path = [] {
    char name[] = "/tmp/kcov-file-fuzz.XXXXXX";
    const int fd = ::mkstemp(name);
    demand(fd >= 0, "no scratch file");
    ::close(fd);
    static std::string made = name;
    std::atexit([] { ::unlink(made.c_str()); });
    return made;
  }();
  return path;
}

std::size_t read_a_recording(const std::string& path) {
  const Result<coverage::Recording> recording = coverage::read_recording(path);
  if (!recording) return 0;
  std::size_t sum = 0;
  for (const coverage::Task& task : recording->tasks) {
    task.for_each_own_record([&](std::uint32_t record) {
      for (const symbol::Frame& frame : recording->locations[record].frames)
        sum += frame.function.size() + frame.file.size();
    });
    for (const coverage::Entry& entry : task.entries)
      entry.for_each_record([&](std::uint32_t record) { sum += task.records[record]; });
  }
  coverage::Merger merger;
  demand(bool(merger.add(*recording, "a")), "a recording that was read cannot be merged");
  const coverage::CoverageSet set = merger.take();
  const std::string written = path + ".merged";
  demand(bool(coverage::write_merged(written, set)), "what was merged cannot be written");
  const Result<coverage::CoverageSet> again = coverage::read_merged(written);
  demand(bool(again), "what was written cannot be read");
  demand(again->hits == set.hits && again->calls.size() == set.calls.size(), "it is not the same");
  ::unlink(written.c_str());
  return sum;
}

std::size_t read_an_image(const std::string& path) {
  Result<symbol::Image> image = symbol::Image::open(path);
  if (!image) return 0;
  std::vector<std::uint64_t> pcs = image->coverable_pcs();
  const symbol::Image::Extent extent = image->extent();
  for (const std::uint64_t pc : {extent.start, extent.start + 64, extent.end, ~std::uint64_t{0}})
    pcs.push_back(pc);
  if (pcs.size() > 64) pcs.resize(64);
  std::size_t sum = image->source_files().size();
  for (const symbol::Location& location : image->locate(pcs))
    for (const symbol::Frame& frame : location.frames) sum += frame.file.size();
  return sum;
}

// As a kernel module: linked, it is an image like any other.
std::size_t link_as_module(std::string_view text) {
  std::string bytes(text);
  symbol::ModuleCode code{.start = 0xffffffffa0000000};
  if (!symbol::link_module({reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()}, code)
           .empty())
    return 0;
  std::FILE* const file = std::fopen(scratch().c_str(), "wb");
  demand(file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size(),
         "cannot write");
  std::fclose(file);
  return read_an_image(scratch());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::FILE* const file = std::fopen(scratch().c_str(), "wb");
  demand(file != nullptr && std::fwrite(data, 1, size, file) == size, "cannot write");
  std::fclose(file);
  std::size_t sum = read_a_recording(scratch());
  if (const Result<coverage::CoverageSet> set = coverage::read_merged(scratch())) {
    for (const coverage::CoverageSet::Run& run : set->runs) sum += run.pcs().cardinality();
    for (const coverage::CoverageSet::Call& call : set->calls)
      for (const std::uint32_t pc : call.pcs) demand(pc < set->locations.size(), "no such PC");
  }
  sum += read_an_image(scratch());
  sum += symbol::LocationCache::load(scratch()).size();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sum += link_as_module(text);
  if (const auto pcs = symbol::parse_pc_list(text, "input")) sum += pcs->size();
  ::unlink((scratch() + "-journal").c_str());
  // Used, so that no read is left out.
  return sum == ~std::size_t{0} ? -1 : 0;
}
