// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "tool/recorder.hpp"

#include <utility>

namespace kcov::tool {
namespace {

coverage::Task::Program program_of(const lab::TaskProgram& program) {
  return {program.records, program.arguments};
}

coverage::Call call_of(const lab::TaskCall& made) {
  coverage::Call call;
  call.records = made.records;
  call.number = made.call;
  call.has_arguments = made.has_arguments;
  call.arguments = made.arguments;
  if (made.has_result) call.result = static_cast<std::int64_t>(made.result);
  for (const lab::TaskCall::Text& text : made.texts)
    call.texts.push_back({static_cast<std::uint8_t>(text.argument), text.is_cut_off, text.bytes});
  return call;
}

// All but its programs, calls and records.
coverage::Task task_of(const lab::TaskTrace& traced) {
  coverage::Task task;
  task.id = traced.header.id;
  task.process = traced.header.process;
  task.parent = traced.header.parent;
  task.untraced = traced.header.untraced;
  task.capacity = traced.header.capacity;
  task.was_full = traced.end.was_full;
  if (traced.end.dropped_known) task.dropped = traced.end.dropped;
  return task;
}

}  // namespace

void take_tasks(lab::SessionResult& session, coverage::Recording& recording) {
  for (const std::uint64_t pc : session.pcs) recording.locations.push_back({.pc = pc});
  for (lab::TaskTrace& traced : session.tasks) {
    coverage::Task& task = recording.tasks.emplace_back(task_of(traced));
    for (const lab::TaskProgram& program : traced.programs)
      task.programs.push_back(program_of(program));
    for (const lab::TaskCall& call : traced.calls) task.calls.push_back(call_of(call));
    task.records = std::move(traced.records);
  }
}

Status Recorder::task_began(const lab::SessionResult& result, std::size_t task) {
  return has_begun() ? writer_->begin_task(task, task_of(result.tasks[task])) : Status();
}

Status Recorder::program_began(const lab::SessionResult& result, std::size_t task) {
  if (!has_begun()) return begin(result);
  return writer_->add_program(task, program_of(result.tasks[task].programs.back()));
}

Status Recorder::call_made(const lab::SessionResult& result, std::size_t task) {
  return has_begun() ? writer_->add_call(task, call_of(result.tasks[task].calls.back())) : Status();
}

Status Recorder::recorded(const lab::SessionResult& result, std::size_t task, std::size_t count) {
  if (!has_begun()) return {};
  return writer_->add_records(task, std::span(result.tasks[task].records).last(count), result.pcs);
}

Status Recorder::task_ended(const lab::SessionResult& result, std::size_t task) {
  return has_begun() ? writer_->end_task(task, task_of(result.tasks[task])) : Status();
}

Status Recorder::second_passed(const lab::SessionResult&) {
  return has_begun() ? writer_->flush() : Status();
}

Status Recorder::begin(const lab::SessionResult& result) {
  Result<std::unique_ptr<coverage::RecordingWriter>> made =
      coverage::RecordingWriter::create(output_);
  if (!made) return made.error();
  writer_ = std::move(*made);
  coverage::Recording recording;
  recording.command = command_;
  recording.machine = machine_;
  recording.release = result.release;
  recording.build_id = result.build_id;
  Status written = writer_->begin(recording);
  for (std::size_t i = 0; i < result.tasks.size() && written; ++i) {
    const lab::TaskTrace& task = result.tasks[i];
    written = writer_->begin_task(i, task_of(task));
    if (written) written = writer_->add_records(i, task.records, result.pcs);
    for (const lab::TaskProgram& program : task.programs)
      if (written) written = writer_->add_program(i, program_of(program));
  }
  return written;
}

}  // namespace kcov::tool
