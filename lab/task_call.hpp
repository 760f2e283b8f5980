// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Of lab/protocol.hpp: a system call that a followed task has made, where the tool asked for them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lab/protocol.hpp"
#include "support/system_calls.hpp"

namespace kcov::lab {

struct TaskCall {
  // A text that an argument points to.
  struct Text {
    std::uint64_t argument = 0;  // from 0 on
    bool is_cut_off = false;
    std::string bytes;
  };
  std::uint64_t number = 0;  // of the task
  std::uint64_t records =
      0;                   // that it had made by the call's end, or, where it has none, beginning
  std::uint64_t call = 0;  // as the kernel numbers them
  bool has_arguments = false;  // else its beginning was not seen
  std::array<std::uint64_t, kSystemCallArguments> arguments{};
  bool has_result = false;  // else it did not return
  std::uint64_t result = 0;
  std::vector<Text> texts = {};
};

inline std::string encode(const TaskCall& call) {
  Encoder encoder;
  encoder.integer(call.number)
      .integer(call.records)
      .integer(call.call)
      .integer(call.has_arguments ? 1 : 0)
      .integer(call.has_result ? 1 : 0)
      .integer(call.result);
  for (const std::uint64_t argument : call.arguments) encoder.integer(argument);
  encoder.integer(call.texts.size());
  for (const TaskCall::Text& text : call.texts)
    encoder.integer(text.argument).integer(text.is_cut_off ? 1 : 0).text(text.bytes);
  return encoder.take();
}

inline bool decode(std::string_view bytes, TaskCall& call) {
  Decoder decoder(bytes);
  call.number = decoder.integer();
  call.records = decoder.integer();
  call.call = decoder.integer();
  call.has_arguments = decoder.integer() != 0;
  call.has_result = decoder.integer() != 0;
  call.result = decoder.integer();
  for (std::uint64_t& argument : call.arguments) argument = decoder.integer();
  for (std::uint64_t left = decoder.integer(); left > 0 && decoder.good(); --left) {
    TaskCall::Text& text = call.texts.emplace_back();
    text.argument = decoder.integer();
    text.is_cut_off = decoder.integer() != 0;
    text.bytes = decoder.text();
    if (text.argument >= kSystemCallArguments) return false;
  }
  return decoder.good();
}

}  // namespace kcov::lab
