// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report/printable.hpp"

#include <locale.h>

#include <algorithm>
#include <cwchar>
#include <vector>

namespace kcov::report {
namespace {

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 127; });
}

// In its scope characters are UTF-8's, whatever the caller's locale is.
class InUtf8 {
 public:
  InUtf8() : before_(::uselocale(locale())) {}
  ~InUtf8() { ::uselocale(before_); }
  InUtf8(const InUtf8&) = delete;
  InUtf8& operator=(const InUtf8&) = delete;

 private:
  static locale_t locale() {
    // Built into the C library. Without it all but ASCII becomes a ?.
    static const locale_t made = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return made;
  }
  locale_t before_;
};

struct Character {
  std::string_view bytes;
  int columns;  // less than 1: it has no place of its own
};

// The first of `text`, which is not empty.
Character first_of(std::string_view text) {
  wchar_t wide = 0;
  std::mbstate_t state{};
  const std::size_t size = std::mbrtowc(&wide, text.data(), text.size(), &state);
  // No character, one that is cut off, or the one that ends texts in C.
  if (size == 0 || size > text.size()) return {text.substr(0, 1), -1};
  return {text.substr(0, size), ::wcwidth(wide)};
}

}  // namespace

std::string printable(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  const InUtf8 scope;
  std::string result;
  for (; !text.empty();) {
    const Character character = first_of(text);
    if (character.columns > 0) {
      result += character.bytes;
    } else {
      result += '?';
    }
    text.remove_prefix(character.bytes.size());
  }
  return result;
}

std::size_t columns_of(std::string_view text) {
  if (is_plain(text)) return text.size();
  const InUtf8 scope;
  std::size_t columns = 0;
  for (; !text.empty();) {
    const Character character = first_of(text);
    columns += static_cast<std::size_t>(std::max(character.columns, 0));
    text.remove_prefix(character.bytes.size());
  }
  return columns;
}

namespace {

constexpr std::string_view kGap = "...";

// So much of it as takes `head` columns from its beginning and `tail` from its end.
std::string with_gap(std::string_view text, std::size_t head, std::size_t tail) {
  const InUtf8 scope;
  std::vector<Character> characters;
  for (std::string_view rest = text; !rest.empty();) {
    characters.push_back(first_of(rest));
    rest.remove_prefix(characters.back().bytes.size());
  }
  // Takes from `first` on what fits, and says how many bytes that is.
  const auto fit = [](auto first, auto last, std::size_t columns) {
    std::size_t bytes = 0;
    for (; first != last; ++first) {
      const auto width = static_cast<std::size_t>(std::max(first->columns, 0));
      if (width > columns) break;
      columns -= width;
      bytes += first->bytes.size();
    }
    return bytes;
  };
  const std::size_t begin = fit(characters.begin(), characters.end(), head);
  const std::size_t end = fit(characters.rbegin(), characters.rend(), tail);
  return std::string(text.substr(0, begin)).append(kGap).append(text.substr(text.size() - end));
}

// In so many columns, with `head` of those that there are beside the gap before it.
template <class Head>
std::string fitted(std::string_view text, std::size_t columns, Head head_of) {
  if (columns == 0 || columns_of(text) <= columns) return std::string(text);
  if (columns <= kGap.size()) return std::string(kGap.substr(0, columns));
  const std::size_t left = columns - kGap.size();
  const std::size_t head = head_of(left);
  return with_gap(text, head, left - head);
}

}  // namespace

std::string shortened(std::string_view text, std::size_t columns) {
  // Of two halves that differ the end is the longer one: there names differ.
  return fitted(text, columns, [](std::size_t left) { return left / 2; });
}

std::string shortened_path(std::string_view text, std::size_t columns) {
  constexpr std::size_t kFew = 20;
  return fitted(text, columns, [](std::size_t left) { return left < kFew ? 0 : left / 4; });
}

std::string cut_off(std::string_view text, std::size_t columns) {
  return fitted(text, columns, [](std::size_t left) { return left; });
}

std::string cell(std::string_view text, std::size_t columns) {
  std::string result = shortened(printable(text), columns);
  const std::size_t taken = columns_of(result);
  if (taken < columns) result.append(columns - taken, ' ');
  return result;
}

}  // namespace kcov::report
