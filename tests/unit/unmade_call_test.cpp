// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The forms of a call that is not made (port/x86_64/unmade_call.h), held against Zydis.
#include "port/x86_64/unmade_call.h"

#include <Zydis/Zydis.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <random>
#include <vector>

namespace {

using Code = std::array<unsigned char, 15>;

class Decoder {
 public:
  Decoder() { ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64); }

  struct Instruction {
    ZydisDecodedInstruction head{};
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands{};
  };
  bool decode(const unsigned char* code, std::size_t size, Instruction& result) const {
    return ZYAN_SUCCESS(
        ZydisDecoderDecodeFull(&decoder_, code, size, &result.head, result.operands.data()));
  }

 private:
  ZydisDecoder decoder_{};
};

// What a processor does with one and with the other is the same.
void expect_same(const Decoder::Instruction& plain, const Decoder::Instruction& prefixed) {
  EXPECT_EQ(plain.head.mnemonic, prefixed.head.mnemonic);
  EXPECT_EQ(plain.head.operand_width, prefixed.head.operand_width);
  ASSERT_EQ(plain.head.operand_count, prefixed.head.operand_count);
  for (unsigned index = 0; index < plain.head.operand_count; ++index) {
    const ZydisDecodedOperand& one = plain.operands[index];
    const ZydisDecodedOperand& two = prefixed.operands[index];
    EXPECT_EQ(one.type, two.type);
    EXPECT_EQ(one.size, two.size);
    if (one.type == ZYDIS_OPERAND_TYPE_REGISTER) {
      EXPECT_EQ(one.reg.value, two.reg.value);
    }
    if (one.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
      EXPECT_EQ(one.imm.value.u, two.imm.value.u);
    }
    if (one.type == ZYDIS_OPERAND_TYPE_MEMORY) {
      EXPECT_EQ(one.mem.base, two.mem.base);
      EXPECT_EQ(one.mem.index, two.mem.index);
      EXPECT_EQ(one.mem.scale, two.mem.scale);
      EXPECT_EQ(one.mem.disp.value, two.mem.disp.value);
      // Neither has a base that counts.
      EXPECT_NE(ZYDIS_REGISTER_FS, two.mem.segment);
      EXPECT_NE(ZYDIS_REGISTER_GS, two.mem.segment);
    }
  }
}

TEST(UnmadeCall, targets_are_told_from_each_other_and_from_distances) {
  for (unsigned target = 0; target < KCOV_CALL_TARGETS; ++target) {
    std::array<unsigned char, 4> tail{};
    kcov_write_target(tail.data(), target);
    EXPECT_EQ(static_cast<int>(target), kcov_read_target(tail.data()));
    for (std::size_t index = 0; index < tail.size(); ++index) {
      auto other = tail;
      other[index] = 0x3e;
      EXPECT_EQ(-1, kcov_read_target(other.data()));
    }
  }
}

// Of instructions without a fault in them: all that are said to take prefixes are as long as is
// said, and mean the same with them.
TEST(UnmadeCall, who_takes_prefixes_means_the_same_with_them) {
  const Decoder decoder;
  std::mt19937 random(5);  // NOLINT: the same each time
  std::vector<unsigned> lengths(16);
  constexpr std::array<unsigned char, 6> kPrefixes{0x66, 0xf2, 0xf3, 0xf0, 0x48, 0x41};
  for (int round = 0; round < 3000000; ++round) {
    Code code{};
    for (unsigned char& byte : code) byte = static_cast<unsigned char>(random());
    std::size_t at = 0;
    while (random() % 3 == 0 && at < 3) code[at++] = kPrefixes[random() % kPrefixes.size()];
    if (random() % 2 == 0) code[at] = 0x0f;
    const unsigned length = kcov_takes_prefixes(code.data());
    if (length == 0) continue;
    ++lengths[length];
    Decoder::Instruction plain;
    if (!decoder.decode(code.data(), code.size(), plain)) continue;  // illegal with and without
    ASSERT_EQ(length, plain.head.length) << ZydisMnemonicGetString(plain.head.mnemonic);
    std::array<unsigned char, 20> longer{};
    longer[0] = KCOV_CALL_PREFIX;
    kcov_write_target(&longer[1], static_cast<unsigned>(random() % KCOV_CALL_TARGETS));
    std::memcpy(&longer[KCOV_CALL_SIZE], code.data(), code.size());
    Decoder::Instruction prefixed;
    ASSERT_TRUE(decoder.decode(longer.data(), longer.size(), prefixed))
        << ZydisMnemonicGetString(plain.head.mnemonic);
    ASSERT_EQ(length + KCOV_CALL_SIZE, prefixed.head.length);
    expect_same(plain, prefixed);
    if (::testing::Test::HasFailure()) FAIL() << ZydisMnemonicGetString(plain.head.mnemonic);
  }
  for (unsigned length = 1; length <= 10; ++length) EXPECT_GT(lengths[length], 100u) << length;
}

TEST(UnmadeCall, who_is_looked_for_by_its_address_takes_no_prefixes) {
  using Bytes = std::initializer_list<unsigned char>;
  for (const Bytes& bytes : {
           Bytes{0x0f, 0x0b},                                      // ud2
           Bytes{0xcc},                                            // int3
           Bytes{0xcd, 0x80},                                      // int $0x80
           Bytes{0x0f, 0x05},                                      // syscall
           Bytes{0xf4},                                            // hlt
           Bytes{0xf3, 0x0f, 0x1e, 0xfa},                          // endbr64
           Bytes{0xf3, 0x90},                                      // pause
           Bytes{0xf3, 0xa4},                                      // rep movsb
           Bytes{0xe8, 0, 0, 0, 0},                                // a call, of a callback perhaps
           Bytes{0xa9, 0, 0, 0, 0},                                // one that is skipped
           Bytes{0x2e, 0x26, 0x2e, 0x26, 0x2e, 0x90},              // one that is prefixes
           Bytes{0x64, 0x8b, 0x04, 0x25, 0, 0, 0, 0},              // mov %fs:0, %eax
           Bytes{0x65, 0x8b, 0x05, 0, 0, 0, 0},                    // mov %gs:0(%rip), %eax
           Bytes{0xc5, 0xf8, 0x77},                                // vzeroupper
           Bytes{0xff, 0xd0},                                      // call *%rax
           Bytes{0xff, 0xe0},                                      // jmp *%rax
           Bytes{0xc7, 0xf8, 0, 0, 0, 0},                          // xbegin
           Bytes{0x48, 0xc7, 0x84, 0x24, 0, 1, 0, 0, 0, 0, 0, 0},  // movq $0, 256(%rsp): 12 bytes
       }) {
    Code code{};
    std::copy(bytes.begin(), bytes.end(), code.begin());
    EXPECT_EQ(0u, kcov_takes_prefixes(code.data())) << std::hex << unsigned{code[0]};
  }
}

}  // namespace
