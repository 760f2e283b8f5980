// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcovtool symbolize: 0x… lines in, names out, in the same order.
#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <future>
#include <iterator>
#include <memory>
#include <string_view>
#include <thread>

#include "lab/kernel.hpp"
#include "lab/paths.hpp"
#include "support/files.hpp"
#include "support/interrupt.hpp"
#include "symbol/image.hpp"
#include "symbol/pc_list.hpp"
#include "tool/commands.hpp"

namespace kcov::tool {
namespace {

struct Options {
  std::string vmlinux;
  std::string file = "-";
  std::string machine = "um";
  bool stock = false;
};

void append_line(const symbol::Location& location, fmt::memory_buffer& text) {
  const auto out = std::back_inserter(text);
  fmt::format_to(out, FMT_COMPILE("{:#x}"), location.pc);
  if (location.symbol.empty() && location.frames.empty()) {
    fmt::format_to(out, FMT_COMPILE(" ?"));
  } else if (location.frames.empty()) {
    fmt::format_to(out, FMT_COMPILE(" {}+{:#x}"), location.symbol, location.symbol_offset);
  }
  std::string_view joint = " ";
  for (const symbol::Frame& frame : location.frames) {
    fmt::format_to(out, FMT_COMPILE("{}{} {}:{}"), joint, frame.function,
                   frame.file.empty() ? "?" : frame.file, frame.line);
    joint = " in ";
  }
  text.push_back('\n');
}

// Made into text by all processors, block by block, and written in order.
void print(const symbol::Locations& locations) {
  constexpr std::size_t kBlock = 1024;  // locations
  const auto text_of_block = [&](std::size_t begin) {
    fmt::memory_buffer text;
    for (std::size_t i = begin; i < std::min(begin + kBlock, locations.size()); ++i)
      append_line(locations[i], text);
    return text;
  };
  const std::size_t ahead = std::max(1u, std::thread::hardware_concurrency());
  std::deque<std::future<fmt::memory_buffer>> made;
  for (std::size_t next = 0; next < locations.size() || !made.empty();) {
    for (; next < locations.size() && made.size() < ahead; next += kBlock)
      made.push_back(std::async(next == 0 ? std::launch::deferred : std::launch::async,
                                [&, begin = next] { return text_of_block(begin); }));
    const fmt::memory_buffer text = made.front().get();
    made.pop_front();
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
}

Result<std::vector<std::uint64_t>> read_pcs(const std::string& file) {
  if (file != "-") return symbol::read_pc_list(file);
  const Result<std::string> text = read_all(0, "standard input", symbol::kLongestPcLine);
  if (!text) return text.error();
  return symbol::parse_pc_list(*text, "standard input");
}

Result<int> symbolize(const Options& options) {
  std::string path = options.vmlinux;
  if (path.empty()) {
    const Result<lab::Kernel> kernel = lab::current_kernel(
        options.machine, options.stock ? lab::Variant::stock : lab::Variant::ours);
    if (!kernel) {
      return Error{kernel.error().message + ", or name an image with --vmlinux", 125};
    }
    path = kernel->vmlinux().string();
  }
  Result<symbol::Image> image = symbol::Image::open(path);
  if (!image) return image.error();

  const Result<std::vector<std::uint64_t>> pcs = read_pcs(options.file);
  if (!pcs) return pcs.error();
  if (!image->has_debug_info()) {
    fmt::print(stderr,
               "kcovtool: {} has no debug information: functions only, no files and lines\n", path);
  }
  image->keep_answers_in(lab::cache_directory() / "symbols");
  const symbol::Locations locations = image->locate(*pcs);
  // A few are no wonder (call_sites.hpp); of another build's nearly all are.
  const auto strangers = static_cast<std::size_t>(std::count_if(
      locations.begin(), locations.end(),
      [](const symbol::Location& location) { return location.pc != 0 && !location.is_call_site; }));
  if (strangers > pcs->size() / 4) {
    fmt::print(stderr,
               "kcovtool: {} of {} PCs are none that kcov records in {}: they may be of another "
               "build, and named wrongly (--machine, --stock, --vmlinux)\n",
               strangers, pcs->size(), path);
  }
  // Nothing is left behind by whoever ends us while a slow reader takes it.
  if (Status going_on = release_interrupts(); !going_on) return going_on.error();
  print(locations);
  return 0;
}

}  // namespace

void add_symbolize(CLI::App& app, Action& chosen) {
  CLI::App* const command = app.add_subcommand(
      "symbolize",
      "name the function, file and line of each PC (one 0x... a line). The names are those of one "
      "image: the lab's current kernel, unless told otherwise");
  const auto options = std::make_shared<Options>();
  command->add_option("--vmlinux", options->vmlinux,
                      "the image that the PCs are of; the lab's kernel without it");
  add_machine(*command, options->machine);
  command->add_flag("--stock", options->stock, "without --vmlinux: the lab's stock kernel");
  command->add_option("file", options->file, "where the PCs are; - for standard input")
      ->capture_default_str();
  command->callback([&chosen, options] { chosen = [options] { return symbolize(*options); }; });
}

}  // namespace kcov::tool
