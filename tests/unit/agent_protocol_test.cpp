// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <gtest/gtest.h>

#include "lab/protocol.hpp"
#include "lab/record_frames.hpp"
#include "lab/task_call.hpp"
#include "support/pc_table.hpp"

namespace kcov::lab {
namespace {

TEST(Protocol, frames_come_out_as_they_went_in_however_the_stream_is_cut) {
  const std::string sent = encode_frame(FrameType::output, std::string("a\0b\xff", 4)) +
                           encode_frame(FrameType::heartbeat, {}) +
                           encode_frame(FrameType::errors, std::string(70000, 'x'));
  std::string stream;
  std::vector<Frame> frames;
  Frame frame;
  for (const char byte : sent) {
    stream += byte;
    while (take_frame(stream, frame) > 0) frames.push_back(frame);
  }
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].payload, std::string("a\0b\xff", 4));
  EXPECT_EQ(frames[1].type, FrameType::heartbeat);
  EXPECT_EQ(frames[2].payload, std::string(70000, 'x'));
  EXPECT_TRUE(stream.empty());
}

TEST(Protocol, what_is_no_frame_is_refused) {
  Frame frame;
  std::string unknown_type(kFrameHeaderBytes, '\0');
  EXPECT_EQ(take_frame(unknown_type, frame), -1);
  std::string too_long = encode_frame(FrameType::output, {});
  too_long[4] = '\x7f';
  EXPECT_EQ(take_frame(too_long, frame), -1);
  std::string login = "login: ";
  EXPECT_EQ(take_frame(login, frame), -1);
}

TEST(Protocol, a_request_survives_the_way) {
  Request request;
  request.arguments = {"cat", "", "a b"};
  request.environment = {"X=1", "Y="};
  request.directory = "/tmp/with space";
  request.writable = {"/w"};
  request.own_streams = true;
  request.trace_words = 1 << 20;
  request.calls = true;
  Request read;
  ASSERT_TRUE(decode(encode(request), read));
  EXPECT_EQ(read.arguments, request.arguments);
  EXPECT_EQ(read.environment, request.environment);
  EXPECT_EQ(read.directory, request.directory);
  EXPECT_EQ(read.writable, request.writable);
  EXPECT_EQ(read.own_streams, true);
  EXPECT_EQ(read.trace_words, request.trace_words);
  EXPECT_TRUE(read.calls);
}

TEST(Protocol, a_request_cut_short_anywhere_is_refused) {
  Request request;
  request.arguments = {"cat", "x"};
  request.environment = {"X=1"};
  request.directory = "/";
  const std::string bytes = encode(request);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    Request read;
    EXPECT_FALSE(decode(bytes.substr(0, length), read)) << length;
  }
}

TEST(Protocol, what_is_said_of_tasks_survives_the_way_and_is_refused_when_cut_short) {
  const auto is_refused_cut_short = [](const std::string& bytes, auto read) {
    for (std::size_t length = 0; length < bytes.size(); ++length)
      EXPECT_FALSE(decode(bytes.substr(0, length), read)) << length;
  };
  TaskHeader header;
  const std::string task = encode(TaskHeader{3, 7, 6, 5, 100, "no reason"});
  ASSERT_TRUE(decode(task, header));
  EXPECT_EQ(header.number, 3u);
  EXPECT_EQ(header.id, 7u);
  EXPECT_EQ(header.process, 6u);
  EXPECT_EQ(header.parent, 5u);
  EXPECT_EQ(header.capacity, 100u);
  EXPECT_EQ(header.untraced, "no reason");
  is_refused_cut_short(task, header);
  TaskProgram program;
  const std::string run = encode(TaskProgram{3, 9, {"cc", "-c"}});
  ASSERT_TRUE(decode(run, program));
  EXPECT_EQ(program.number, 3u);
  EXPECT_EQ(program.records, 9u);
  EXPECT_EQ(program.arguments, (std::vector<std::string>{"cc", "-c"}));
  is_refused_cut_short(run, program);
  TaskCall call;
  TaskCall made{.number = 3,
                .records = 9,
                .call = 257,
                .has_arguments = true,
                .arguments = {1, 2, 3, 4, 5, ~std::uint64_t{6}}};
  made.has_result = true;
  made.result = ~std::uint64_t{1};
  made.texts = {{1, true, "/etc"}, {5, false, std::string("\0", 1)}};
  const std::string called = encode(made);
  ASSERT_TRUE(decode(called, call));
  EXPECT_EQ(call.number, 3u);
  EXPECT_EQ(call.records, 9u);
  EXPECT_EQ(call.call, 257u);
  EXPECT_TRUE(call.has_arguments);
  EXPECT_EQ(call.arguments, made.arguments);
  EXPECT_TRUE(call.has_result);
  EXPECT_EQ(call.result, made.result);
  ASSERT_EQ(call.texts.size(), 2u);
  EXPECT_EQ(call.texts[0].argument, 1u);
  EXPECT_TRUE(call.texts[0].is_cut_off);
  EXPECT_EQ(call.texts[0].bytes, "/etc");
  EXPECT_EQ(call.texts[1].bytes, std::string("\0", 1));
  is_refused_cut_short(called, TaskCall{});
  made.texts[0].argument = 6;
  EXPECT_FALSE(decode(encode(made), call));
  TaskEnd end;
  const std::string ended = encode(TaskEnd{3, 11, true, 13, true});
  ASSERT_TRUE(decode(ended, end));
  EXPECT_EQ(end.number, 3u);
  EXPECT_EQ(end.records, 11u);
  EXPECT_TRUE(end.dropped_known);
  EXPECT_EQ(end.dropped, 13u);
  EXPECT_TRUE(end.was_full);
  is_refused_cut_short(ended, end);
}

TEST(Records, come_as_they_were_sent_however_wide_their_numbers_are) {
  RecordEncoder encoder;
  std::vector<std::uint32_t> narrow, wide;
  for (std::uint32_t i = 0; i < kMostRecords; ++i) {
    narrow.push_back(i % 100 == 0 ? 0xffff : i % 7);
    wide.push_back(i * 15);
  }
  for (const std::vector<std::uint32_t>& numbers :
       {narrow, wide, std::vector<std::uint32_t>{}, std::vector<std::uint32_t>{0x10000}}) {
    const std::string payload(encoder.encode(3, numbers));
    std::uint64_t task = 0;
    std::vector<std::uint32_t> decoded = {1};
    ASSERT_TRUE(decode_records(payload, 250'000, task, decoded));
    EXPECT_EQ(task, 3u);
    EXPECT_EQ(decoded, numbers);
  }
  EXPECT_LT(encoder.encode(0, narrow).size(), narrow.size() / 10) << "what comes again is small";
}

TEST(Records, that_make_no_sense_are_refused) {
  RecordEncoder encoder;
  const std::string good(encoder.encode(1, std::vector<std::uint32_t>{1, 2, 9}));
  std::uint64_t task = 0;
  std::vector<std::uint32_t> decoded;
  EXPECT_TRUE(decode_records(good, 10, task, decoded));
  EXPECT_FALSE(decode_records(good, 9, task, decoded)) << "there is no PC of that number";
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(decode_records(good.substr(0, length), 10, task, decoded)) << length;
  for (const auto& [at, value] : {std::pair{8, 1}, {8, 3}, {16, 2}, {16, 4}, {20, 1}, {26, 77}}) {
    std::string bad = good;
    bad[static_cast<std::size_t>(at)] = static_cast<char>(value);
    EXPECT_FALSE(decode_records(bad, 10, task, decoded)) << at;
  }
}

TEST(PcTable, numbers_pcs_in_the_order_in_which_they_come) {
  PcTable table;
  // Enough that it grows, and values that fall into one place of it.
  for (std::uint64_t i = 0; i < 100000; ++i) ASSERT_EQ(table.number_of(i << 20), i);
  for (std::uint64_t i = 0; i < 100000; ++i) ASSERT_EQ(table.number_of(i << 20), i);
  EXPECT_EQ(table.pcs().size(), 100000u);
  EXPECT_EQ(table.pcs()[99999], 99999ull << 20);
}

TEST(Protocol, counts_that_lie_end_the_reading) {
  // A temporary would be gone before the decoder reads it.
  const std::string bytes = Encoder().integer(~std::uint64_t{0}).take();
  Decoder decoder(bytes);
  EXPECT_TRUE(decoder.list().empty());
  EXPECT_FALSE(decoder.good());
}

}  // namespace
}  // namespace kcov::lab
