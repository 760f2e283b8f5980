// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "coverage/call_tree.hpp"

#include <algorithm>
#include <span>

namespace kcov::coverage {
namespace {

// Functions inlined in one another, of which a recording may claim any number.
constexpr std::size_t kDeepestInlining = 64;

// The function, or the symbol where that alone tells a piece that is called by itself.
std::string_view shown_name(const symbol::Location& location) {
  if (location.frames.empty()) return location.symbol;
  const bool is_piece = location.symbol.find(".part.") != std::string_view::npos;
  return is_piece ? location.symbol : location.frames.back().function;
}

bool is_header(std::string_view file) { return file.ends_with(".h"); }

bool is_accessor(const CallNode& node) {
  return node.is_inlined && node.calls.empty() && is_header(node.file);
}

// Adds `more`, which is of the same shape.
void add(CallNode& node, const CallNode& more) {
  node.times += more.times;
  node.records += more.records;
  for (std::size_t i = 0; i < node.calls.size(); ++i) add(node.calls[i], more.calls[i]);
}

}  // namespace

// Makes nodes of what a walk tells.
class CallTrees::Builder {
 public:
  explicit Builder(CallTrees& trees) : trees_(trees) { open_.emplace_back(); }

  void enter(std::uint32_t location, bool begun) {
    open_.emplace_back();
    open_.back().has_begun = begun;
    open_.back().first = location;
  }

  void leave() {
    CallNode node = node_of(open_.back());
    open_.pop_back();
    Activation& caller = open_.back();
    caller.items.push_back({.call = static_cast<std::uint32_t>(caller.calls.size())});
    caller.calls.push_back(std::move(node));
  }

  void block(std::uint32_t location) {
    std::vector<Item>& items = open_.back().items;
    if (!items.empty() && items.back().call == kNone &&
        is_same_place(items.back().location, location)) {
      ++items.back().records;
    } else {
      items.push_back({.location = location, .records = 1});
    }
  }

  // The entry's own, at the end.
  CallNode root(std::string_view name) {
    CallNode node = node_of(open_.front());
    node.function = name;
    return node;
  }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  // Blocks at one place, or a call.
  struct Item {
    std::uint32_t location = 0;
    std::uint32_t call = kNone;
    std::uint64_t records = 0;
  };
  // One call of a function.
  struct Activation {
    std::uint32_t first = kNone;  // location; kNone: the entry itself
    bool has_begun = true;
    std::vector<Item> items;
    std::vector<CallNode> calls;
  };
  // A function of an activation: itself, or inlined.
  struct Slot {
    std::uint32_t name;
    int call_line;
    CallNode node;
    // What is below it, in order: a slot, or a call.
    std::vector<std::pair<bool, std::uint32_t>> below;
    std::vector<std::uint32_t> inlined;  // the slots among that
  };
  using Places = std::span<const Place>;

  Places places(std::uint32_t location) const { return trees_.places_[location]; }

  bool is_same_place(std::uint32_t one, std::uint32_t other) const {
    if (one == other) return true;
    return common(places(one), places(other)).size() ==
           std::max(places(one).size(), places(other).size());
  }

  // The functions that both lie in.
  static Places common(Places one, Places other) {
    std::size_t size = 0;
    while (size < std::min(one.size(), other.size()) && one[size].name == other[size].name &&
           one[size].call_line == other[size].call_line)
      ++size;
    return one.first(size);
  }

  CallNode node_of(Activation& activation) {
    slots_.clear();
    Slot& own = slots_.emplace_back();
    own.node.has_begun = activation.has_begun;
    if (activation.first != kNone && !places(activation.first).empty()) {
      const Place& place = places(activation.first).front();
      own.name = place.name;
      own.node.line = place.line;
    } else {
      own.name = trees_.number_of({}, {});
    }
    const std::vector<Item>& items = activation.items;
    // The next block behind each.
    next_.assign(items.size() + 1, kNone);
    for (std::size_t i = items.size(); i-- > 0;)
      next_[i] = items[i].call == kNone ? items[i].location : next_[i + 1];
    std::uint32_t last = kNone;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (items[i].call != kNone) {
        const std::uint32_t slot = slot_of(activation, places_of_call(last, next_[i]));
        slots_[slot].below.emplace_back(false, items[i].call);
      } else {
        last = items[i].location;
        slots_[slot_of(activation, places(last))].node.records += items[i].records;
      }
    }
    return finished(activation, 0);
  }

  // Where, among the inlined functions, a call between these two blocks was made.
  Places places_of_call(std::uint32_t last, std::uint32_t next) const {
    if (last == kNone) return {};
    const Places before = places(last);
    if (next != kNone) return common(before, places(next));
    // The last that is seen of it. The block may begin in a small function and make the call behind
    // that: the innermost is as likely done as not, and those of headers nearly always are.
    std::size_t size = std::min<std::size_t>(1, before.size());
    while (size + 1 < before.size() && !is_header(trees_.names_[before[size].name].file)) ++size;
    return before.first(size);
  }

  std::uint32_t slot_of(const Activation& activation, Places places) {
    std::uint32_t at = 0;
    // Blocks of nobody who was entered are the entry's own.
    if (activation.first == kNone) return at;
    for (std::size_t i = 1; i < places.size(); ++i) {
      const std::vector<std::uint32_t>& inlined = slots_[at].inlined;
      const auto known = std::find_if(inlined.begin(), inlined.end(), [&](std::uint32_t slot) {
        return slots_[slot].name == places[i].name && slots_[slot].call_line == places[i].call_line;
      });
      if (known != inlined.end()) {
        at = *known;
        continue;
      }
      const auto number = static_cast<std::uint32_t>(slots_.size());
      slots_[at].below.emplace_back(true, number);
      slots_[at].inlined.push_back(number);
      Slot& slot = slots_.emplace_back();
      slot.name = places[i].name;
      slot.call_line = places[i].call_line;
      slot.node.line = places[i].line;
      slot.node.is_inlined = true;
      at = number;
    }
    return at;
  }

  CallNode finished(Activation& activation, std::uint32_t number) {
    Slot& slot = slots_[number];
    CallNode node = std::move(slot.node);
    node.function = trees_.names_[slot.name].function;
    node.file = trees_.names_[slot.name].file;
    std::vector<CallNode> calls;
    for (const auto& [is_slot, of] : slot.below)
      calls.push_back(is_slot ? finished(activation, of) : std::move(activation.calls[of]));
    const std::uint64_t merges = ++trees_.merges_;
    for (CallNode& call : calls) {
      node.records += call.records;
      if (!trees_.shows_accessors_ && is_accessor(call)) continue;
      auto& [merge, place] = trees_.alike_[call.shape];
      if (merge == merges) {
        add(node.calls[place], call);
        continue;
      }
      merge = merges;
      place = node.calls.size();
      node.calls.push_back(std::move(call));
    }
    node.shape = trees_.shape_of(node, slot.name);
    return node;
  }

  CallTrees& trees_;
  std::vector<Activation> open_;
  // Of the activation that is left.
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> next_;
};

CallTrees::CallTrees(const Recording& recording, Accessors accessors)
    : shows_accessors_(accessors == Accessors::shown),
      blocks_(recording),
      habits_(learn_habits(recording, blocks_)) {
  places_.resize(recording.locations.size());
  for (std::size_t i = 0; i < recording.locations.size(); ++i) {
    const symbol::Location& location = recording.locations[i];
    std::vector<Place>& places = places_[i];
    const auto frames = location.frames.last(std::min(location.frames.size(), kDeepestInlining));
    if (frames.empty() && !location.symbol.empty())
      places.push_back({number_of(location.symbol, {}), 0, 0});
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
      const bool is_outermost = frame == frames.rbegin();
      places.push_back(
          {number_of(is_outermost ? shown_name(location) : frame->function, frame->file),
           is_outermost ? 0 : places.back().line, frame->line});
    }
  }
}

CallNode CallTrees::of(const Task& task, const Entry& entry) {
  Builder builder(*this);
  CallWalk<Builder> walk(blocks_, habits_, nullptr, builder);
  entry.for_each_record([&](std::uint32_t record) { walk.step(task.records[record]); });
  walk.end();
  CallNode root = builder.root(entry.name);
  made_.try_emplace(hash_of(task, entry), Made{&task, &entry, root.shape});
  return root;
}

std::optional<std::uint32_t> CallTrees::known_shape(const Task& task, const Entry& entry) const {
  const auto found = made_.find(hash_of(task, entry));
  if (found == made_.end()) return {};
  const Made& made = found->second;
  // A recording may be made so that hashes meet.
  std::vector<std::uint32_t> records;
  made.entry->for_each_record(
      [&](std::uint32_t record) { records.push_back(made.task->records[record]); });
  if (records.size() != entry.record_count()) return {};
  bool is_same = true;
  std::size_t next = 0;
  entry.for_each_record(
      [&](std::uint32_t record) { is_same &= task.records[record] == records[next++]; });
  return is_same ? std::optional(made.shape) : std::nullopt;
}

std::size_t CallTrees::Hash::operator()(const std::vector<std::uint32_t>& numbers) const {
  std::uint64_t hash = numbers.size();
  for (const std::uint32_t number : numbers) {
    hash = (hash ^ number) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  }
  return hash;
}

std::uint32_t CallTrees::number_of(std::string_view function, std::string_view file) {
  const auto [found, is_new] =
      numbers_.try_emplace({function, file}, static_cast<std::uint32_t>(names_.size()));
  if (is_new) names_.push_back({function, file});
  return found->second;
}

std::uint32_t CallTrees::shape_of(const CallNode& node, std::uint32_t name) {
  key_.assign({name, (node.is_inlined ? 1u : 0u) | (node.has_begun ? 0u : 2u)});
  for (const CallNode& call : node.calls) key_.push_back(call.shape);
  const auto [found, is_new] =
      shapes_.try_emplace(key_, static_cast<std::uint32_t>(shapes_.size()));
  if (is_new) alike_.emplace_back();
  return found->second;
}

}  // namespace kcov::coverage
