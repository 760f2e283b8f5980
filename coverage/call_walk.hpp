// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Follows a trace's blocks from call to call, with a stack of the functions that are open.
//
// A trace holds blocks, and no word of calls and returns. Three things show in it:
//
//   the entry block of a function       it was called
//   another block of an open function   all that was called since its last block has returned
//   nothing                             a return after which the caller comes to no new block
//
// The third is the trouble: of a(), which calls b() and then c() without a branch between them,
// the trace says "a b c", as it does when b() calls c(). But a block has no branch in it, so it
// makes the same calls whenever it is executed, and a recording holds most blocks many times:
//
//   a.0 b.0 a.1     b.0 makes no call, and after b() a.0 makes none either
//   b.0 c.0 b.1     b.0 calls c()
//
//   x.0 a.0 b.0, y.0 a.0 b.0, ...   whoever calls a(), a.0 is followed by b(): it calls b()
//
// These are habits of blocks. Where c() is entered behind b.0, which is known to call c(), it is
// b's; where b.0 is known to be done, b() has returned, and a() is asked next; where neither is
// known, the last function is taken for the caller. What remains wrong is said in call_tree.hpp.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <utility>
#include <vector>

#include "coverage/recording.hpp"

namespace kcov::coverage {

// What a recording's blocks are to whoever follows calls; by location.
class Blocks {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  // Must not outlive the recording.
  explicit Blocks(const Recording& recording);

  // kNone: nothing is known of the PC.
  std::uint32_t function_of(std::uint32_t location) const { return functions_of_[location]; }
  // The function that an unlikely part, laid out elsewhere, belongs to is known by its name.
  std::uint32_t name_of(std::uint32_t function) const { return functions_[function].name; }
  bool is_cold(std::uint32_t function) const { return functions_[function].is_cold; }
  // Whether its function is entered there, when the block before was of the function `before`.
  bool is_entry(std::uint32_t location, std::uint32_t before) const;

 private:
  struct Function {
    std::uint32_t name = 0;
    bool is_cold = false;
    std::uint64_t entry = ~std::uint64_t{0};   // PC
    std::uint64_t lowest = ~std::uint64_t{0};  // PC that was recorded
  };

  const Recording& recording_;
  std::vector<std::uint32_t> functions_of_;
  std::vector<Function> functions_;
};

// What blocks are known to do.
class Habits {
 public:
  static constexpr std::uint32_t kNothing = Blocks::kNone;

  explicit Habits(std::size_t locations)
      : makes_no_call_(locations),
        is_doubted_(locations),
        next_(locations, kNothing),
        caller_(locations, kNothing) {}

  bool calls(std::uint32_t block, std::uint32_t function) const {
    return (next_[block] == function && caller_[block] == kSeveral) ||
           calls_.contains(key(block, function));
  }
  // Whether the block has made its last call; `called`: the one it made last, or kNothing.
  bool is_done(std::uint32_t block, std::uint32_t called) const {
    if (called == kNothing) return makes_no_call_[block] && !is_doubted_[block];
    return done_.contains(key(block, called)) && !doubted_.contains(key(block, called));
  }

  void learn_call(std::uint32_t block, std::uint32_t function) {
    is_new_ |= calls_.insert(key(block, function)).second;
  }
  void learn_done(std::uint32_t block, std::uint32_t called) {
    if (called != kNothing) {
      is_new_ |= done_.insert(key(block, called)).second;
    } else if (!makes_no_call_[block]) {
      makes_no_call_[block] = is_new_ = true;
    }
  }
  // The first that followed the block was the entry of `function`, or kNothing that was entered;
  // its own function was called by `caller`, a block, or kNothing.
  void learn_next(std::uint32_t block, std::uint32_t function, std::uint32_t caller) {
    if (function == kNothing) function = kSeveral;
    see(next_[block], function);
    if (caller != kNothing) see(caller_[block], caller);
  }
  // It was taken to be done and was not: it calls now this and now that, through a pointer.
  void doubt(std::uint32_t block, std::uint32_t called) {
    if (called != kNothing) {
      is_new_ |= doubted_.insert(key(block, called)).second;
    } else if (!is_doubted_[block]) {
      is_doubted_[block] = is_new_ = true;
    }
  }
  // Whether anything was learned since this was asked last.
  bool is_new() { return std::exchange(is_new_, false); }

 private:
  static constexpr std::uint32_t kSeveral = kNothing - 1;
  void see(std::uint32_t& before, std::uint32_t now) {
    if (before == now || before == kSeveral) return;
    before = before == kNothing ? now : kSeveral;
    is_new_ = true;
  }
  static std::uint64_t key(std::uint32_t block, std::uint32_t function) {
    return std::uint64_t{block} << 32 | function;
  }
  std::unordered_set<std::uint64_t> calls_;
  std::unordered_set<std::uint64_t> done_;
  std::unordered_set<std::uint64_t> doubted_;
  // The same for those that have made no call: by far the most.
  std::vector<bool> makes_no_call_;
  std::vector<bool> is_doubted_;
  // The function whose entry follows a block, and the block that calls its function; kSeveral where
  // that is now one, now another.
  std::vector<std::uint32_t> next_;
  std::vector<std::uint32_t> caller_;
  bool is_new_ = false;
};

// Differs for entries that did not execute the same blocks in the same order, but for a chance of
// 2^-64.
std::uint64_t hash_of(const Task& task, const Entry& entry);

// What all of a recording's entries teach.
Habits learn_habits(const Recording& recording, const Blocks& blocks);

// One entry's walk. `Visitor` is told enter(location, begun) when a function is entered (or is
// gone on with, and was not seen to begin), leave() when the last of them is left, and
// block(location) for each block of the last one.
template <class Visitor>
class CallWalk {
 public:
  // Functions in one another; kernel stacks hold far fewer. What is deeper is shown beside them.
  static constexpr std::size_t kDeepest = 256;

  // Learns where `teaching` is not null; that may be `habits`.
  CallWalk(const Blocks& blocks, const Habits& habits, Habits* teaching, Visitor& visitor)
      : blocks_(blocks), habits_(habits), teaching_(teaching), visitor_(visitor) {}

  void step(std::uint32_t location) {
    const std::uint32_t function = blocks_.function_of(location);
    if (function != Blocks::kNone) {
      if (blocks_.is_entry(location, before_)) {
        call(location, function);
      } else {
        go_on(location, function);
      }
      before_ = function;
    }
    visitor_.block(location);
  }

  void end() {
    // Back to the program: all have returned.
    if (teaching_ != nullptr && !open_.empty()) learn_returns(0);
    leave_to(0);
  }

 private:
  struct Open {
    std::uint32_t function;
    std::uint32_t block;                      // the last one
    std::uint32_t called = Habits::kNothing;  // by that one, last
    bool is_guessed = false;                  // that what it called has returned
  };

  void call(std::uint32_t location, std::uint32_t function) {
    if (teaching_ != nullptr) learn_next(function);
    // The first one cannot have returned.
    while (open_.size() > 1 && has_returned(open_.back(), function)) {
      guesses_.push_back(open_.back());
      leave_to(open_.size() - 1);
      open_.back().is_guessed = true;
    }
    if (open_.size() == kDeepest) leave_to(kDeepest - 1);
    if (!open_.empty()) open_.back().called = function;
    open_.push_back({function, location});
    visitor_.enter(location, true);
  }

  bool has_returned(const Open& open, std::uint32_t function) const {
    return !habits_.calls(open.block, function) && habits_.is_done(open.block, open.called);
  }

  void go_on(std::uint32_t location, std::uint32_t function) {
    std::size_t at = open_.size();
    while (at > 0 && !is_of(open_[at - 1].function, function)) --at;
    if (at == 0) {
      // It did not return, against what was taken of it.
      for (const Open& guess : guesses_)
        if (teaching_ != nullptr && is_of(guess.function, function))
          teaching_->doubt(guess.block, guess.called);
      leave_to(0);
      open_.push_back({function, location});
      visitor_.enter(location, false);
      return;
    }
    if (teaching_ != nullptr) learn(at - 1);
    leave_to(at);
    open_.back().block = location;
    open_.back().called = Habits::kNothing;
    open_.back().is_guessed = false;
  }

  bool is_of(std::uint32_t open, std::uint32_t function) const {
    return open == function || ((blocks_.is_cold(function) || blocks_.is_cold(open)) &&
                                blocks_.name_of(open) == blocks_.name_of(function));
  }

  // What came directly behind the last block: the entry of `function`, or kNothing that was
  // entered.
  void learn_next(std::uint32_t function) {
    if (open_.empty() || open_.back().called != Habits::kNothing) return;
    const std::uint32_t caller =
        open_.size() > 1 ? open_[open_.size() - 2].block : Habits::kNothing;
    teaching_->learn_next(open_.back().block, function, caller);
  }

  // The function at `at` goes on: what it had called has returned.
  void learn(std::size_t at) {
    learn_next(Habits::kNothing);
    if (at + 1 < open_.size()) teaching_->learn_call(open_[at].block, open_[at + 1].function);
    learn_returns(at);
  }

  // All above the function at `at` have returned, and its own block has made its calls.
  void learn_returns(std::size_t at) {
    // As far as it is certain who called whom.
    for (std::size_t i = open_.size(); i-- > at;) {
      const Open& open = open_[i];
      if (i + 1 < open_.size() && !habits_.calls(open.block, open.called)) return;
      if (i + 1 == open_.size() && open.called != Habits::kNothing) return;
      teaching_->learn_done(open.block, open.called);
    }
  }

  void leave_to(std::size_t depth) {
    while (open_.size() > depth) {
      open_.pop_back();
      visitor_.leave();
    }
  }

  const Blocks& blocks_;
  const Habits& habits_;
  Habits* teaching_;
  Visitor& visitor_;
  std::vector<Open> open_;
  std::vector<Open> guesses_;  // those that were taken to have returned
  std::uint32_t before_ = Blocks::kNone;
};

}  // namespace kcov::coverage
