// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "symbol/separate_debug.hpp"

#include <elfutils/libdwfl.h>

#include <memory>

namespace kcov::symbol {
namespace {

struct EndDwfl {
  void operator()(Dwfl* dwfl) const { dwfl_end(dwfl); }
};

}  // namespace

std::string separate_debug_file(const std::string& path) {
  static const Dwfl_Callbacks kCallbacks = {
      .find_elf = nullptr,
      .find_debuginfo = dwfl_standard_find_debuginfo,
      .section_address = dwfl_offline_section_address,
      .debuginfo_path = nullptr,
  };
  const std::unique_ptr<Dwfl, EndDwfl> dwfl(dwfl_begin(&kCallbacks));
  if (dwfl == nullptr) return {};
  Dwfl_Module* const module = dwfl_report_offline(dwfl.get(), path.c_str(), path.c_str(), -1);
  Dwarf_Addr bias = 0;
  if (module == nullptr || dwfl_module_getdwarf(module, &bias) == nullptr) return {};
  const char* file = nullptr;
  dwfl_module_info(module, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, &file);
  return file == nullptr ? "" : file;
}

}  // namespace kcov::symbol
