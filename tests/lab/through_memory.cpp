// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Traces a command on um, and prints how many PCs it recorded, and how many of them came through
// the machine's memory (lab/record_ring.hpp), which a report does not tell.
//   usage: through_memory COMMAND...
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "lab/kernel.hpp"
#include "lab/machine.hpp"
#include "lab/session.hpp"

namespace {

int give_up(const kcov::Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return 125;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace kcov::lab;
  const kcov::Result<Kernel> kernel = current_kernel("um", Variant::ours);
  if (!kernel) return give_up(kernel.error());
  const kcov::Result<std::unique_ptr<Machine>> machine = boot(*kernel, {});
  if (!machine) return give_up(machine.error());
  kcov::Result<Request> request = request_for(std::vector<std::string>(argv + 1, argv + argc));
  if (!request) return give_up(request.error());
  request->trace_words = 1 << 21;
  const kcov::Result<SessionResult> session = run_session(**machine, *request, {});
  if (!session) return give_up(session.error());
  (*machine)->finish();
  std::size_t records = 0;
  for (const TaskTrace& task : session->tasks) records += task.records.size();
  std::printf("%zu %llu\n", records, static_cast<unsigned long long>(session->ring_records));
  return static_cast<int>(session->outcome.status);
}
