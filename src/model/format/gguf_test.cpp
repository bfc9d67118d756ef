#include "model/format/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "model/format/samples.h"

namespace kinglet::format {
namespace {

using samples::Bytes;
using testing::HasSubstr;

std::shared_ptr<const ModelFile> read(const Bytes& bytes) { return read_gguf(bytes, "sample.gguf"); }

// Why a file is refused; "" when it is not.
std::string refusal(const Bytes& bytes) {
  try {
    read(bytes);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidFile) << error.message();
    return error.message();
  }
}

void append(Bytes& bytes, const auto& value) {
  const auto view = std::as_bytes(std::span(&value, 1));
  bytes.insert(bytes.end(), view.begin(), view.end());
}

void append_text(Bytes& bytes, std::string_view text) {
  append(bytes, static_cast<uint64_t>(text.size()));
  const auto view = std::as_bytes(std::span(text.data(), text.size()));
  bytes.insert(bytes.end(), view.begin(), view.end());
}

// A file by hand, so that the reader is not judged by our writer alone.
struct HandMade {
  uint32_t version = 3;
  uint64_t n_tensors = 0;
  uint64_t n_values = 0;
  Bytes body = {};

  HandMade& tensor(std::string_view name, const std::vector<uint64_t>& dims, uint32_t type, uint64_t offset) {
    append_text(body, name);
    append(body, static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) append(body, dim);
    append(body, type);
    append(body, offset);
    ++n_tensors;
    return *this;
  }
  HandMade& key(std::string_view name, ValueType type) {
    append_text(body, name);
    append(body, static_cast<uint32_t>(type));
    ++n_values;
    return *this;
  }
  [[nodiscard]] Bytes bytes(uint64_t n_data_bytes = 0, uint64_t alignment = 32) const {
    Bytes all;
    append(all, std::array<char, 4>{'G', 'G', 'U', 'F'});
    append(all, version);
    append(all, n_tensors);
    append(all, n_values);
    all.insert(all.end(), body.begin(), body.end());
    all.resize(round_up(all.size(), alignment) + n_data_bytes);
    return all;
  }
};

TEST(Gguf, AllTypesComeBackAsTheyWere) {
  const Bytes bytes = samples::small_gguf();
  const auto file = read(bytes);
  const Metadata& meta = file->metadata();
  EXPECT_EQ(meta.require<uint8_t>("t.u8"), 200);
  EXPECT_EQ(meta.require<int8_t>("t.i8"), -100);
  EXPECT_EQ(meta.require<uint16_t>("t.u16"), 60000);
  EXPECT_EQ(meta.require<int16_t>("t.i16"), -30000);
  EXPECT_EQ(meta.require<uint32_t>("t.u32"), 4000000000U);
  EXPECT_EQ(meta.require<int32_t>("t.i32"), -2000000000);
  EXPECT_EQ(meta.require<float>("t.f32"), 0.1F);
  EXPECT_EQ(meta.require<double>("t.f64"), 0.1);
  EXPECT_EQ(meta.require<bool>("t.bool"), true);
  EXPECT_EQ(meta.require<std::string_view>("t.string"), "a string");
  EXPECT_EQ(meta.require<uint64_t>("t.u64"), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(meta.require<int64_t>("t.i64"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(meta.array("a.bool")->integer(2), 1);
  EXPECT_EQ(meta.array("a.i16")->integer(0), -1);
  EXPECT_EQ(meta.array("a.u32")->integer(2), 9);
  EXPECT_EQ(meta.array("a.f32")->number(1), -2.5);
  EXPECT_EQ(meta.array("a.f64")->number(1), 1e300);
  EXPECT_EQ(meta.array("a.i64")->integer(0), -5);
  EXPECT_EQ(meta.string_array("a.string")->string(0), "one");
  EXPECT_EQ(meta.string_array("a.string")->string(1), "");
  EXPECT_EQ(meta.string_array("a.string")->string(3), "vier");
  EXPECT_EQ(meta.entries().front().first, "general.architecture");
  EXPECT_EQ(meta.entries().back().first, "a.string");
  EXPECT_EQ(file->kind(), "GGUF 3");
}

TEST(Gguf, TensorsComeBackAsTheyWere) {
  for (const uint32_t alignment : {8U, 32U, 64U, 4096U}) {
    const Bytes bytes = samples::small_gguf(alignment);
    const auto file = read(bytes);
    ASSERT_EQ(file->tensors().size(), 4U);
    const TensorEntry* q = file->find("blk.0.attn_q.weight");
    ASSERT_NE(q, nullptr);
    EXPECT_EQ(q->dims, (std::array<uint64_t, 4>{32, 2, 1, 1}));
    EXPECT_EQ(q->format->name, "Q8_0");
    EXPECT_EQ(q->size_bytes, 68U);
    EXPECT_EQ(q->file_offset % alignment, 0U);
    const quant::Weight weight = q->weight();
    EXPECT_EQ(weight.rows, 2U);
    EXPECT_EQ(weight.cols, 32U);
    const Bytes want = samples::pattern(68);
    EXPECT_EQ(std::memcmp(weight.data, want.data(), want.size()), 0);
    EXPECT_EQ(file->find("blk.0.experts")->n_rows(), 12U);
    EXPECT_EQ(file->find("blk.0"), nullptr);
  }
}

TEST(Gguf, ValuesOfAFileAreWrittenAsTheyAre) {
  const Bytes first = samples::small_gguf();
  const auto file = read(first);
  GgufWriter writer;
  writer.add_values(file->metadata());
  for (const TensorEntry& tensor : file->tensors()) {
    writer.add_tensor(tensor.name, *tensor.format, {tensor.dims.data(), tensor.n_dims},
                      {tensor.data, tensor.size_bytes});
  }
  EXPECT_EQ(samples::written(writer), first);
}

TEST(Gguf, ManyStringsAreFoundInAnyOrder) {
  std::vector<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.push_back(std::string(static_cast<size_t>(i % 7), 'x') + std::to_string(i));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  GgufWriter writer;
  writer.add_strings("tokens", views);
  const Bytes bytes = samples::written(writer);
  const auto file = read(bytes);
  const Array* array = file->metadata().string_array("tokens");
  ASSERT_EQ(array->size, 1000U);
  for (size_t i = texts.size(); i-- > 0;) EXPECT_EQ(array->string(i), texts[i]);
  size_t next = 0;
  array->for_each_string([&](std::string_view text) { EXPECT_EQ(text, texts[next++]); });
  EXPECT_EQ(next, texts.size());
}

TEST(Gguf, Version2IsReadAndOthersAreNot) {
  HandMade file;
  file.key("general.architecture", ValueType::kString);
  append_text(file.body, "llama");
  file.tensor("w", {4, 2}, 0, 0);
  file.version = 2;
  EXPECT_EQ(read(file.bytes(32))->find("w")->size_bytes, 32U);
  EXPECT_EQ(read(file.bytes(32))->kind(), "GGUF 2");
  file.version = 1;
  EXPECT_THAT(refusal(file.bytes(32)), HasSubstr("1 is not 2 or 3"));
  file.version = 4;
  EXPECT_THAT(refusal(file.bytes(32)), HasSubstr("4 is not 2 or 3"));
  file.version = 0x03000000;
  EXPECT_THAT(refusal(file.bytes(32)), HasSubstr("big-endian"));
}

TEST(Gguf, WhatDoesNotFitIsRefusedByName) {
  EXPECT_THAT(refusal({}), HasSubstr("sample.gguf: magic at byte 0"));
  EXPECT_THAT(refusal(HandMade{.n_tensors = uint64_t{1} << 60}.bytes(100)), HasSubstr("tensor count"));
  EXPECT_THAT(refusal(HandMade{.n_values = ~uint64_t{0}}.bytes(100)), HasSubstr("metadata count"));
  EXPECT_THAT(refusal(HandMade().tensor("w", {4, 2}, 0, 0).bytes(31)), HasSubstr("tensor w"));
  EXPECT_THAT(refusal(HandMade().tensor("w", {4, 2}, 0, 32).bytes(32)), HasSubstr("cut off"));
  EXPECT_THAT(refusal(HandMade().tensor("w", {4, 2}, 0, 4).bytes(64)), HasSubstr("multiple of 32"));
  EXPECT_THAT(refusal(HandMade().tensor("w", {4, 0}, 0, 0).bytes(64)), HasSubstr("dimension is 0"));
  EXPECT_THAT(refusal(HandMade().tensor("w", {33}, 8, 0).bytes(64)), HasSubstr("blocks of 32"));
  EXPECT_THAT(refusal(HandMade().tensor("w", {1, 1, 1, 1, 1}, 0, 0).bytes(64)), HasSubstr("5 dimensions"));
  EXPECT_THAT(refusal(HandMade().tensor("w", {}, 0, 0).bytes(64)), HasSubstr("0 dimensions"));
  EXPECT_THAT(refusal(HandMade().tensor("w", {4}, 0, 0).tensor("w", {4}, 0, 32).bytes(64)),
              HasSubstr("is there twice"));
  EXPECT_THAT(refusal(HandMade().tensor("w", {9}, 0, 0).tensor("v", {4}, 0, 32).bytes(64)),
              HasSubstr("overlaps tensor w"));
  EXPECT_THAT(refusal(HandMade().tensor("w", {4}, 0, 0).tensor("v", {4}, 0, 0).bytes(64)), HasSubstr("overlaps"));
}

TEST(Gguf, SizesThatOverflowAreRefused) {
  const uint64_t big = uint64_t{1} << 32;
  EXPECT_THAT(refusal(HandMade().tensor("w", {big, big}, 0, 0).bytes(64)), HasSubstr("over 2^63"));
  EXPECT_THAT(refusal(HandMade().tensor("w", {big, big, big, big}, 0, 0).bytes(64)), HasSubstr("over 2^63"));
  EXPECT_THAT(refusal(HandMade().tensor("w", {big, big / 4}, 0, 0).bytes(64)), HasSubstr("2^64 bytes"));
  EXPECT_THAT(refusal(HandMade().tensor("w", {8}, 0, ~uint64_t{31}).bytes(64)), HasSubstr("cut off"));
  HandMade strings;
  strings.key("a", ValueType::kArray);
  append(strings.body, ValueType::kString);
  append(strings.body, uint64_t{1} << 61);
  EXPECT_THAT(refusal(strings.bytes(64)), HasSubstr("strings do not fit"));
  HandMade numbers;
  numbers.key("a", ValueType::kArray);
  append(numbers.body, ValueType::kF64);
  append(numbers.body, uint64_t{1} << 61);
  EXPECT_THAT(refusal(numbers.bytes(64)), HasSubstr("too long"));
}

TEST(Gguf, ValuesThatMeanNothingAreRefused) {
  EXPECT_THAT(refusal(HandMade().key("k", static_cast<ValueType>(13)).bytes(64)), HasSubstr("value type 13"));
  HandMade truth;
  truth.key("k", ValueType::kBool);
  append(truth.body, uint8_t{2});
  EXPECT_THAT(refusal(truth.bytes(64)), HasSubstr("expected 0 or 1"));
  HandMade nested;
  nested.key("k", ValueType::kArray);
  append(nested.body, ValueType::kArray);
  append(nested.body, uint64_t{0});
  EXPECT_THAT(refusal(nested.bytes(64)), HasSubstr("array of arrays"));
  for (const uint32_t alignment : {0U, 4U, 24U, 33U, 1U << 31}) {
    HandMade file;
    file.key("general.alignment", ValueType::kU32);
    append(file.body, alignment);
    EXPECT_THAT(refusal(file.bytes(64)), HasSubstr("power of two"));
  }
  HandMade twice;
  for (int i = 0; i < 2; ++i) {
    twice.key("k", ValueType::kBool);
    append(twice.body, uint8_t{1});
  }
  EXPECT_THAT(refusal(twice.bytes(64)), HasSubstr("key k"));
}

TEST(Gguf, ATensorOfAnUnknownTypeIsListed) {
  const Bytes bytes = HandMade().tensor("w", {4, 2}, 99, 0).tensor("v", {4}, 0, 64).bytes(96);
  const auto file = read(bytes);
  EXPECT_EQ(file->find("w")->format, nullptr);
  EXPECT_EQ(file->find("w")->type_id, 99U);
  EXPECT_EQ(file->find("w")->data, nullptr);
  EXPECT_NE(file->find("v")->data, nullptr);
}

TEST(Gguf, NamesInMessagesAreSafeToPrint) {
  const std::string message = refusal(HandMade().tensor("w\x1b[31m\n", {0}, 0, 0).bytes(64));
  EXPECT_THAT(message, HasSubstr("w\\x1b[31m\\x0a"));
}

TEST(GgufWriter, NamesAddedTwiceAreRefused) {
  GgufWriter writer;
  writer.add_u32("k", 1);
  writer.add_u32("k", 2);
  EXPECT_THROW(samples::written(writer), Error);
}

}  // namespace
}  // namespace kinglet::format
