// SPDX-License-Identifier: GPL-2.0-only OR MIT
// kcovtool symbolize: 0x… lines in, names out, in the same order.
#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <deque>
#include <future>
#include <iterator>
#include <memory>
#include <string_view>
#include <system_error>
#include <thread>

#include "lab/kernel.hpp"
#include "lab/paths.hpp"
#include "support/files.hpp"
#include "support/interrupt.hpp"
#include "symbol/image.hpp"
#include "symbol/pc_list.hpp"
#include "tool/commands.hpp"
#include "tool/names.hpp"
#include "tool/terminal.hpp"

namespace kcov::tool {
namespace {

struct SymbolizeOptions {
  std::string vmlinux;
  std::vector<std::string> modules;
  bool suffixes = false;
  std::string file = "-";
  std::string machine = "um";
  bool stock = false;
};

// What the compiler made of the function: its name with .constprop.0, .isra.0, .part.0 or .cold.
std::string_view name_in_image(const symbol::Location& location, const symbol::Frame& frame) {
  const std::string_view symbol = location.symbol;
  return symbol.starts_with(frame.function) && symbol.substr(frame.function.size()).starts_with('.')
             ? symbol
             : frame.function;
}

void append_line(const symbol::Location& location, bool suffixes, fmt::memory_buffer& text) {
  const auto out = std::back_inserter(text);
  fmt::format_to(out, FMT_COMPILE("{:#x}"), location.pc);
  if (location.symbol.empty() && location.frames.empty()) {
    fmt::format_to(out, FMT_COMPILE(" ?"));
  } else if (location.frames.empty()) {
    fmt::format_to(out, FMT_COMPILE(" {}+{:#x}"), location.symbol, location.symbol_offset);
  }
  std::string_view joint = " ";
  for (const symbol::Frame& frame : location.frames) {
    const bool is_called = &frame == &location.frames.back();
    fmt::format_to(out, FMT_COMPILE("{}{} {}:{}"), joint,
                   suffixes && is_called ? name_in_image(location, frame) : frame.function,
                   frame.file.empty() ? "?" : frame.file, frame.line);
    joint = " in ";
  }
  text.push_back('\n');
}

// Made into text by all processors, block by block, and written in order. 0, or the errno of what
// could not be written.
int print(const symbol::Locations& locations, bool suffixes) {
  constexpr std::size_t kBlock = 8192;  // locations
  const auto text_of_block = [&](std::size_t begin) {
    fmt::memory_buffer text;
    for (std::size_t i = begin; i < std::min(begin + kBlock, locations.size()); ++i)
      append_line(locations[i], suffixes, text);
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
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) return errno;
    if (interrupted() != 0) return EINTR;
  }
  return std::fflush(stdout) == 0 ? 0 : errno;
}

Result<std::vector<std::uint64_t>> read_pcs(const std::string& file) {
  if (file != "-") return symbol::read_pc_list(file);
  const Result<std::string> text = read_all(0, "standard input", symbol::kLongestPcLine);
  if (!text) return text.error();
  return symbol::parse_pc_list(*text, "standard input");
}

// FILE@ADDRESS
Status add_module(symbol::Image& image, const std::string& module) {
  const std::size_t at = module.rfind('@');
  const std::string_view digits = std::string_view(module).substr(at + 1);
  std::uint64_t start = 0;
  const bool is_hexadecimal = digits.starts_with("0x");
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] =
      std::from_chars(digits.data() + (is_hexadecimal ? 2 : 0), end, start, 16);
  if (at == std::string::npos || !is_hexadecimal || error != std::errc() || rest != end) {
    return Error{fmt::format("cannot tell where the module \"{}\" lies: --module takes "
                             "FILE@ADDRESS, as in tun.ko@0xffffffffa0000000",
                             module),
                 2};
  }
  return image.add_module(module.substr(0, at), start);
}

Result<int> symbolize(const SymbolizeOptions& options) {
  std::string path = options.vmlinux;
  if (path.empty()) {
    const Result<std::string> found =
        find_lab_image(options.machine, options.stock ? lab::Variant::stock : lab::Variant::ours);
    if (!found) return found.error();
    path = *found;
  }
  Result<symbol::Image> image = symbol::Image::open(path);
  if (!image) return image.error();
  for (const std::string& module : options.modules)
    if (Status added = add_module(*image, module); !added) return added.error();

  const Result<std::vector<std::uint64_t>> pcs = read_pcs(options.file);
  if (!pcs) return pcs.error();
  for (const std::string& file : image->without_debug_info())
    say("{} has no debug information: functions only, no files and lines", file);
  image->keep_answers_in(lab::cache_directory() / "symbols");
  const symbol::Locations locations = image->locate(*pcs);
  // A few are no wonder (call_sites.hpp); of another build's nearly all are.
  const auto strangers = static_cast<std::size_t>(std::count_if(
      locations.begin(), locations.end(),
      [](const symbol::Location& location) { return location.pc != 0 && !location.is_call_site; }));
  if (strangers > pcs->size() / 4) {
    say("{} of {} PCs are none that kcov records in {}: they may be of another "
        "build, and named wrongly (--machine, --stock, --vmlinux)",
        strangers, pcs->size(), path);
  }
  // A cache need not be written: nothing is said where it cannot.
  const auto store = [&] {
    try {
      image->store_answers(locations);
    } catch (const std::exception&) {
    }
    // Nothing is left behind any more by whoever ends us while a slow reader takes it.
    (void)release_interrupts();
  };
  std::jthread storing;
  try {
    storing = std::jthread([&] {
      // Who asks us to end is to interrupt the writing.
      sigset_t ends;
      sigemptyset(&ends);
      for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ends, signal);
      pthread_sigmask(SIG_BLOCK, &ends, nullptr);
      store();
    });
  } catch (const std::system_error&) {
    store();
  }
  if (const int error = print(locations, options.suffixes); error != 0 && interrupted() == 0)
    return Error{fmt::format("cannot write to standard output: {}", errno_text(error))};
  storing = {};
  if (interrupted() != 0) return interruption();
  return 0;
}

}  // namespace

void add_symbolize(CLI::App& app, Action& chosen) {
  CLI::App* const command = app.add_subcommand(
      "symbolize",
      "name the function, file and line of each PC (one 0x... a line). The names are those of one "
      "image: the lab's current kernel, unless told otherwise");
  const auto options = std::make_shared<SymbolizeOptions>();
  command->add_option("--vmlinux", options->vmlinux,
                      "the image that the PCs are of; the lab's kernel without it");
  command
      ->add_option(
          "--module", options->modules,
          "FILE@ADDRESS: a kernel module that was loaded there; may be given several times")
      ->allow_extra_args(false);
  command->add_flag("--suffixes", options->suffixes,
                    "name functions as the image does, with .constprop.0, .isra.0, .part.0 or "
                    ".cold, not as the source does");
  add_machine(*command, options->machine);
  command->add_flag("--stock", options->stock, "without --vmlinux: the lab's stock kernel");
  command->add_option("file", options->file, "where the PCs are; - for standard input")
      ->capture_default_str();
  command->callback([&chosen, options] { chosen = [options] { return symbolize(*options); }; });
}

}  // namespace kcov::tool
