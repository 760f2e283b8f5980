// SPDX-License-Identifier: GPL-2.0-only OR MIT
//
// Errors as values. An operation that can fail returns a Result: what it made, or an
// Error whose message is one sentence for a person: what was being done, to what, what
// went wrong and, where there is something to do, what to do next. exit_code is what a
// command that stops on this error returns to its caller.
//   Result<Image> image = Image::open(path);
//   if (!image) return image.error();
#pragma once

#include <cassert>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace kcov {

struct Error {
  std::string message;
  int exit_code = 125;
};

template <class T>
class [[nodiscard]] Result {
  static_assert(!std::is_reference_v<T> && !std::is_same_v<std::remove_cv_t<T>, Error>);

 public:
  // Anything that becomes a T, so that `return "text";` works in a Result<std::string>.
  template <class U = T, std::enable_if_t<std::is_convertible_v<U&&, T>, int> = 0>
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Only after ok().
  T& operator*() & { return const_cast<T&>(*std::as_const(*this)); }
  const T& operator*() const& {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  T&& operator*() && { return std::move(**this); }
  T* operator->() { return &**this; }
  const T* operator->() const { return &**this; }

  // Only after !ok().
  const Error& error() const {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

// Success, or an Error: `return {};` is success.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}

  bool ok() const { return !failed_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    assert(failed_);
    return error_;
  }

 private:
  Error error_;
  bool failed_ = false;
};

using Status = Result<void>;

}  // namespace kcov
