// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The machine we are on: the agent is a child of ours and touches nothing but kcov.
#include "lab/machine.hpp"
#include "lab/paths.hpp"
#include "lab/supervisor.hpp"

namespace kcov::lab {

Result<std::unique_ptr<Machine>> open_native() {
  const Result<std::filesystem::path> agent = agent_path();
  if (!agent) return agent.error();
  SupervisedProgram program;
  program.arguments = {agent->string(), "--native", "3"};
  program.own_group = false;
  return Machine::start(std::move(program), nullptr);
}

}  // namespace kcov::lab
