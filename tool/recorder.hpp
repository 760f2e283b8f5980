// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What a session in a machine tells, as a recording.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "coverage/recording_file.hpp"
#include "lab/session.hpp"
#include "support/result.hpp"

namespace kcov::tool {

// The tasks that were traced, with their records, which stay where they are in memory. Of the
// locations only the PCs are known yet.
void take_tasks(lab::SessionResult& session, coverage::Recording& recording);

// Writes a recording while the command runs: what was told is in the file, whatever happens next.
class Recorder : public lab::SessionObserver {
 public:
  // The file, and what is run; both must outlive this.
  Recorder(const std::string& output, const std::vector<std::string>& command)
      : output_(output), command_(command) {}

  // "um, our kcov"
  void set_machine(const std::string& machine) { machine_ = machine; }
  // There is a file: the command was run, and not mistyped. Until then what was there is left.
  bool has_begun() const { return writer_ != nullptr; }

  Status task_began(const lab::SessionResult& result, std::size_t task) override;
  Status program_began(const lab::SessionResult& result, std::size_t task) override;
  Status call_made(const lab::SessionResult& result, std::size_t task) override;
  Status recorded(const lab::SessionResult& result, std::size_t task, std::size_t count) override;
  Status task_ended(const lab::SessionResult& result, std::size_t task) override;
  Status second_passed(const lab::SessionResult&) override;

  // All that was told is in the file.
  Status flush() { return writer_->flush(); }
  // How the command ended.
  Status end(const coverage::Recording& recording) { return writer_->end(recording); }
  // The same, and the names; in the file when finish() has been called.
  void add_names(const coverage::Recording& recording) { writer_->add_names(recording); }
  // Its entries, too.
  Status finish(const coverage::Recording& recording) { return writer_->finish(recording); }

 private:
  // Makes the file, with what there is already.
  Status begin(const lab::SessionResult& result);

  const std::string& output_;
  const std::vector<std::string>& command_;
  std::string machine_;
  std::unique_ptr<coverage::RecordingWriter> writer_;
};

}  // namespace kcov::tool
