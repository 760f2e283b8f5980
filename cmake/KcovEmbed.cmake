# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Run as a script: writes OUTPUT, a C++ file that defines kcov::report::html::pages() with the
# FILES in it, byte by byte.
#   cmake -D OUTPUT=pages.cpp -D "FILES=a.html;b.js" -P KcovEmbed.cmake
set(arrays "")
set(list "")
set(number 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "constexpr unsigned char kPage${number}[] = {${bytes}};\n")
  string(APPEND list "    {\"${name}\", text(kPage${number})},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "// Made of report/html by cmake/KcovEmbed.cmake.
#include \"report/html_pages.hpp\"

namespace kcov::report::html {
namespace {

${arrays}
template <std::size_t size>
std::string_view text(const unsigned char (&bytes)[size]) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

std::span<const Page> pages() {
  static const Page all[] = {
${list}  };
  return all;
}

}  // namespace kcov::report::html
")
