// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Random programs of operations on the core and on the model of the contract: any
// difference, after any operation, shrinks to the shortest program that shows it.
//
// KCOV_MODEL_OPERATIONS: how many operations at least (200 000). KCOV_MODEL_SEED: another
// seed than the fixed one that makes every run the same.
#include <rapidcheck.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "comparison.hpp"

namespace kcov::test {
namespace {

constexpr std::uint64_t kDefaultOperations = 200'000;
constexpr int kLongest = 200;

std::uint64_t wanted = kDefaultOperations;
std::uint64_t performed = 0;
std::uint64_t programs = 0;
bool failed = false;  // what follows are RapidCheck's attempts to shrink it

// Simpler ones first: each byte to nothing, to a half, one less.
rc::Seq<Operation> simpler(const Operation& operation) {
  std::vector<Operation> found;
  for (std::uint8_t Operation::*byte : {&Operation::kind, &Operation::who, &Operation::slot,
                                        &Operation::a, &Operation::b, &Operation::c}) {
    const int value = operation.*byte;
    int last = value;
    for (const int less : {0, value / 2, value - 1}) {
      if (less < 0 || less == last || less == value) continue;
      last = less;
      found.push_back(operation);
      found.back().*byte = static_cast<std::uint8_t>(less);
    }
  }
  return rc::seq::fromContainer(std::move(found));
}

rc::Gen<Operation> any_operation() {
  return [](const rc::Random& random, int) {
    const std::uint64_t bits = rc::Random(random).next();
    const auto byte = [bits](int number) {
      return static_cast<std::uint8_t>(bits >> (8 * number));
    };
    return rc::shrinkable::shrinkRecur(
        Operation{byte(0), byte(1), byte(2), byte(3), byte(4), byte(5)}, simpler);
  };
}

void core_does_as_the_model(const std::vector<Operation>& program) {
  if (performed >= wanted && !failed) return;
  ++programs;
  Comparison comparison;
  std::optional<std::string> difference;
  for (const Operation& operation : program) {
    ++performed;
    difference = comparison.apply(operation);
    if (difference) break;
  }
  if (!difference) difference = comparison.finish();
  if (!difference) return;
  failed = true;
  RC_FAIL(*difference);
}

int run() {
  if (const char* const given = std::getenv("KCOV_MODEL_OPERATIONS"))
    wanted = std::strtoull(given, nullptr, 10);
  const char* const seed = std::getenv("KCOV_MODEL_SEED");
  // Many more programs than it takes; those that are left over when there were enough
  // operations do nothing.
  const std::string parameters = "seed=" + std::string(seed == nullptr ? "1" : seed) +
                                 " max_size=" + std::to_string(kLongest) +
                                 " max_success=" + std::to_string(wanted / 40 + 50);
  setenv("RC_PARAMS", parameters.c_str(), 0);
  const auto begin = std::chrono::steady_clock::now();
  const bool same = rc::check("the core does as the model of the contract", [] {
    core_does_as_the_model(*rc::gen::container<std::vector<Operation>>(any_operation()));
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%llu operations in %llu programs, %.1f s\n",
              static_cast<unsigned long long>(performed), static_cast<unsigned long long>(programs),
              took.count());
  const Reached& reached = Model::reached;
  for (const auto& [count, what] :
       {std::pair{reached.enables, "enabled"},
        {reached.remote_enables, "enabled for remote coverage"},
        {reached.records, "records"},
        {reached.dropped, "records dropped"},
        {reached.merged_records, "records of sections merged"},
        {reached.came_between, "times somebody came between in a callback"}})
    std::printf("%12llu %s\n", static_cast<unsigned long long>(count), what);
  if (same && performed < wanted) std::puts("FAILED: fewer operations than were asked for");
  return same && performed >= wanted ? 0 : 1;
}

}  // namespace
}  // namespace kcov::test

int main() { return kcov::test::run(); }
