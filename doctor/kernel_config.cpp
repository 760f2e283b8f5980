// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "doctor/kernel_config.hpp"

#include <zlib.h>

#include <sstream>

#include "support/files.hpp"

namespace kcov::doctor {
namespace {

// A configuration has a quarter of a megabyte; what unpacks to more than this is none.
constexpr std::size_t kLargest = 16 << 20;

Result<std::string> unpacked(const std::string& bytes, const std::string& name) {
  z_stream stream{};
  constexpr int kGzip = 16 + MAX_WBITS;
  if (inflateInit2(&stream, kGzip) != Z_OK) return Error{"cannot unpack " + name + ": no memory"};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string text;
  char block[65536];
  int status = Z_OK;
  while (status == Z_OK && text.size() <= kLargest) {
    stream.next_out = reinterpret_cast<Bytef*>(block);
    stream.avail_out = sizeof block;
    status = inflate(&stream, Z_NO_FLUSH);
    text.append(block, sizeof block - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END) return Error{"cannot unpack " + name + ": it is damaged"};
  return text;
}

}  // namespace

Result<std::string> read_maybe_gzipped(const std::filesystem::path& path) {
  Result<std::string> bytes = read_file(path);
  if (!bytes || !bytes->starts_with("\x1f\x8b")) return bytes;
  return unpacked(*bytes, path.string());
}

Result<KernelConfig> KernelConfig::read(const std::filesystem::path& path) {
  const Result<std::string> text = read_maybe_gzipped(path);
  if (!text) return text.error();
  KernelConfig config;
  config.path_ = path.string();
  bool is_config = false;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# CONFIG_") && line.ends_with(" is not set")) is_config = true;
    const std::size_t equals = line.find('=');
    if (!line.starts_with("CONFIG_") || equals == std::string::npos) continue;
    is_config = true;
    std::string value = line.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    if (value != "n") config.values_[line.substr(0, equals)] = value;
  }
  if (!is_config) return Error{path.string() + " is no kernel configuration"};
  return config;
}

std::string KernelConfig::value(std::string_view option) const {
  const auto found = values_.find(option);
  return found == values_.end() ? std::string() : found->second;
}

}  // namespace kcov::doctor
