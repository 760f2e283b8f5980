// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "symbol/location_cache.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "support/pc_table.hpp"

namespace kcov::symbol {

struct LocationCache::Header {
  std::uint64_t magic;
  std::uint64_t pcs;
  std::uint64_t frames;
  std::uint64_t texts;
  std::uint64_t text_bytes;
};

struct LocationCache::Place {
  std::uint32_t symbol;  // number of a text
  std::uint32_t symbol_offset : 31;
  std::uint32_t is_call_site : 1;
  std::uint32_t first_frame;
};

struct LocationCache::StoredFrame {
  std::uint32_t function;  // numbers of texts
  std::uint32_t file;
  std::uint32_t declared_in;
  std::uint32_t line : 31;
  std::uint32_t inlined : 1;
};

namespace {

constexpr std::uint64_t kMagic = 0x3330'6d79'7376'636b;  // "kcvsym03"

// The parts of a file, one after the other, in so far as it is long enough.
class Parts {
 public:
  Parts(const char* bytes, std::size_t size) : bytes_(bytes), left_(size) {}
  template <class T>
  std::span<const T> take(std::uint64_t count) {
    if (count > left_ / sizeof(T)) {
      whole_ = false;
      return {};
    }
    const std::span<const T> part(reinterpret_cast<const T*>(bytes_), count);
    bytes_ += part.size_bytes();
    left_ -= part.size_bytes();
    return part;
  }
  bool whole() const { return whole_ && left_ == 0; }

 private:
  const char* bytes_;
  std::size_t left_;
  bool whole_ = true;
};

template <class T>
bool is_ascending(std::span<const T> numbers) {
  return std::is_sorted(numbers.begin(), numbers.end());
}

// Whether the open file is still the one of that name: another writer may have finished with it
// since, and it is the cache now, which others have mapped.
bool is_of_name(int fd, const std::string& name) {
  struct stat open {};
  struct stat named {};
  return ::fstat(fd, &open) == 0 && ::stat(name.c_str(), &named) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

}  // namespace

LocationCache LocationCache::load(const std::string& path) {
  LocationCache cache;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return cache;
  struct stat status {};
  void* mapped = MAP_FAILED;
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
    mapped =
        ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
  }
  ::close(fd);
  if (mapped == MAP_FAILED) return cache;
  const auto size = static_cast<std::size_t>(status.st_size);
  cache.bytes_ = std::shared_ptr<const void>(
      mapped, [size](const void* bytes) { ::munmap(const_cast<void*>(bytes), size); });

  Parts parts(static_cast<const char*>(mapped), size);
  const std::span<const Header> header = parts.take<Header>(1);
  if (header.empty() || header[0].magic != kMagic) return {};
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  if (header[0].pcs > kMost || header[0].texts > kMost) return {};
  cache.pcs_ = parts.take<std::uint64_t>(header[0].pcs);
  cache.places_ = parts.take<Place>(header[0].pcs + 1);
  cache.frames_ = parts.take<StoredFrame>(header[0].frames);
  cache.text_offsets_ = parts.take<std::uint32_t>(header[0].texts + 1);
  cache.texts_ = parts.take<char>(header[0].text_bytes).data();
  if (!parts.whole()) return {};

  const auto is_text = [&](std::uint32_t number) { return number < header[0].texts; };
  const bool sound =
      is_ascending(cache.pcs_) && is_ascending(cache.text_offsets_) &&
      cache.text_offsets_.back() <= header[0].text_bytes &&
      cache.places_.back().first_frame == cache.frames_.size() &&
      std::is_sorted(
          cache.places_.begin(), cache.places_.end(),
          [](const Place& a, const Place& b) { return a.first_frame < b.first_frame; }) &&
      std::all_of(cache.places_.begin(), cache.places_.end(),
                  [&](const Place& place) { return is_text(place.symbol); }) &&
      std::all_of(cache.frames_.begin(), cache.frames_.end(), [&](const StoredFrame& frame) {
        return is_text(frame.function) && is_text(frame.file) && is_text(frame.declared_in);
      });
  if (!sound) return {};
  return cache;
}

Location LocationCache::location(std::size_t at, std::vector<Frame>& frames) const {
  const Place& place = places_[at];
  frames.clear();
  for (std::uint32_t i = place.first_frame; i < places_[at + 1].first_frame; ++i) {
    const StoredFrame& frame = frames_[i];
    frames.push_back({text(frame.function), text(frame.file), static_cast<int>(frame.line),
                      frame.inlined != 0, text(frame.declared_in)});
  }
  return {pcs_[at], text(place.symbol), place.symbol_offset, frames, place.is_call_site != 0};
}

void LocationCache::find(std::span<const std::size_t> order, Locations& locations,
                         std::vector<bool>& known) const {
  const auto names = std::make_shared<Names>();
  std::vector<Frame> frames;
  std::size_t at = 0;
  for (const std::size_t i : order) {
    Location& location = locations[i];
    if (at < pcs_.size() && pcs_[at] < location.pc) {
      // Most are near; few asked for in a large cache are not.
      std::size_t step = 1;
      while (at + step < pcs_.size() && pcs_[at + step] < location.pc) step *= 2;
      const auto from = pcs_.begin() + static_cast<std::ptrdiff_t>(at + step / 2);
      const auto to =
          pcs_.begin() + static_cast<std::ptrdiff_t>(std::min(at + step + 1, pcs_.size()));
      at = static_cast<std::size_t>(std::lower_bound(from, to, location.pc) - pcs_.begin());
    }
    if (at == pcs_.size()) break;
    if (pcs_[at] != location.pc) continue;
    location = this->location(at, frames);
    location.frames = names->keep(frames);
    known[i] = true;
  }
  locations.adopt(names);
  locations.adopt(bytes_);
}

// Gathers the parts of a file.
class LocationCache::Writer {
 public:
  explicit Writer(std::size_t locations) {
    // About as much as a kernel's take: to grow is to copy.
    pcs_.reserve(locations);
    places_.reserve(locations + 1);
    by_text_.reserve(locations / 16);
    number_of({});
  }

  void add(const Location& location) {
    if (!pcs_.empty() && pcs_.back() == location.pc) return;
    pcs_.push_back(location.pc);
    places_.push_back({number_of(location.symbol),
                       static_cast<std::uint32_t>(location.symbol_offset) & 0x7fffffffu,
                       location.is_call_site, static_cast<std::uint32_t>(frames_.size())});
    for (const Frame& frame : location.frames) {
      frames_.push_back({number_of(frame.function), number_of(frame.file),
                         number_of(frame.declared_in),
                         static_cast<std::uint32_t>(frame.line) & 0x7fffffffu, frame.inlined});
    }
  }

  bool write(int fd) {
    places_.push_back({0, 0, 0, static_cast<std::uint32_t>(frames_.size())});
    text_offsets_.push_back(static_cast<std::uint32_t>(texts_.size()));
    const Header header{kMagic, pcs_.size(), frames_.size(), text_offsets_.size() - 1,
                        texts_.size()};
    return texts_.size() <= std::numeric_limits<std::uint32_t>::max() &&
           write(fd, &header, sizeof header) && write(fd, pcs_) && write(fd, places_) &&
           write(fd, frames_) && write(fd, text_offsets_) &&
           write(fd, texts_.data(), texts_.size());
  }

 private:
  std::uint32_t number_of(std::string_view text) {
    // Names that are kept once are known by where they are.
    const std::uint32_t place =
        places_of_texts_.number_of(reinterpret_cast<std::uintptr_t>(text.data()));
    if (place == known_.size()) known_.push_back({~std::size_t{0}, 0});
    Known& known = known_[place];
    if (known.size != text.size()) {
      const auto [found, is_new] =
          by_text_.try_emplace(std::string(text), static_cast<std::uint32_t>(by_text_.size()));
      if (is_new) {
        text_offsets_.push_back(static_cast<std::uint32_t>(texts_.size()));
        texts_ += text;
      }
      known = {text.size(), found->second};
    }
    return known.number;
  }

  template <class T>
  static bool write(int fd, const std::vector<T>& part) {
    return write(fd, part.data(), part.size() * sizeof(T));
  }
  static bool write(int fd, const void* bytes, std::size_t size) {
    const char* from = static_cast<const char*>(bytes);
    while (size != 0) {
      const ssize_t n = ::write(fd, from, size);
      if (n <= 0) return false;
      from += n;
      size -= static_cast<std::size_t>(n);
    }
    return true;
  }

  std::vector<std::uint64_t> pcs_;
  std::vector<Place> places_;
  std::vector<StoredFrame> frames_;
  std::vector<std::uint32_t> text_offsets_;
  std::string texts_;
  struct Known {
    std::size_t size;
    std::uint32_t number;
  };
  PcTable places_of_texts_;
  std::vector<Known> known_;  // of each place
  std::unordered_map<std::string, std::uint32_t> by_text_;
};

void LocationCache::store(const std::string& path, std::span<const std::size_t> order,
                          const Locations& more) const {
  std::size_t at = 0;
  const bool has_all = std::all_of(order.begin(), order.end(), [&](std::size_t i) {
    while (at < pcs_.size() && pcs_[at] < more[i].pc) ++at;
    return more[i].frames.empty() || (at < pcs_.size() && pcs_[at] == more[i].pc);
  });
  if (has_all) return;
  Writer writer(pcs_.size() + order.size());
  std::vector<Frame> frames;
  at = 0;
  for (const std::size_t i : order) {
    if (more[i].frames.empty()) continue;
    for (; at < pcs_.size() && pcs_[at] <= more[i].pc; ++at) writer.add(location(at, frames));
    writer.add(more[i]);
  }
  for (; at < pcs_.size(); ++at) writer.add(location(at, frames));

  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  // One name for all who write, so that what a killed one leaves is not left twice.
  const std::string unfinished = path + ".new";
  const int fd = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return;
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0 && is_of_name(fd, unfinished)) {
    const bool is_kept = ::ftruncate(fd, 0) == 0 && writer.write(fd) &&
                         ::rename(unfinished.c_str(), path.c_str()) == 0;
    if (!is_kept) ::unlink(unfinished.c_str());
  }
  ::close(fd);
}

}  // namespace kcov::symbol
