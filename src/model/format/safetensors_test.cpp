#include "model/format/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/base/base.h"
#include "model/format/safetensors_set.h"
#include "model/format/samples.h"
#include "model/format/scratch_folder.h"

namespace kinglet::format {
namespace {

using samples::Bytes;
using testing::HasSubstr;

// A file with this header (padded by nothing) and so many bytes of data.
Bytes with_header(std::string_view header, size_t n_data_bytes) {
  Bytes bytes(8 + header.size() + n_data_bytes);
  const uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

std::string refusal(const Bytes& bytes) {
  try {
    Safetensors::read(bytes, "x.safetensors");
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidFile) << error.message();
    EXPECT_THAT(error.message(), testing::StartsWith("x.safetensors"));
    return error.message();
  }
}

TEST(Safetensors, WhatIsWrittenIsRead) {
  const Bytes bytes = samples::small_safetensors();
  const Safetensors file = Safetensors::read(bytes, "x");
  ASSERT_EQ(file.tensors().size(), 7U);
  EXPECT_EQ(file.notes()[1], (std::pair<std::string, std::string>("made_by", "a test")));
  const SafetensorsEntry* embedding = file.find("model.embed_tokens.weight");
  ASSERT_NE(embedding, nullptr);
  EXPECT_EQ(embedding->shape, (std::vector<uint64_t>{3, 4}));
  EXPECT_EQ(embedding->n_elements(), 12U);
  EXPECT_EQ(embedding->format->name, "F32");
  const Bytes want = samples::pattern(48);
  EXPECT_EQ(std::memcmp(embedding->bytes.data(), want.data(), 48), 0);
  EXPECT_EQ(std::memcmp(bytes.data() + embedding->file_offset, want.data(), 48), 0);
  EXPECT_EQ(file.find("brain")->format->name, "BF16");
  EXPECT_EQ(file.find("flag")->format, nullptr);
  EXPECT_EQ(file.find("scalar")->n_elements(), 1U);
  EXPECT_TRUE(file.find("empty")->bytes.empty());
  EXPECT_EQ(file.find("none"), nullptr);
  for (const SafetensorsEntry& entry : file.tensors())
    EXPECT_EQ(entry.file_offset % (entry.type->bits / 8), 0U) << entry.name;
}

TEST(Safetensors, AFileOfTheSpecificationIsRead) {
  const Bytes bytes = with_header(
      R"({"b":{"dtype":"F16","shape":[2,1],"data_offsets":[4,8]},"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}  )",
      8);
  const Safetensors file = Safetensors::read(bytes, "x");
  EXPECT_EQ(file.tensors()[0].name, "a");
  EXPECT_EQ(file.find("b")->bytes.size(), 4U);
}

TEST(Safetensors, WhatDoesNotFitIsRefusedByName) {
  EXPECT_THAT(refusal({}), HasSubstr("header length"));
  EXPECT_THAT(refusal(Bytes(16, std::byte{0xFF})), HasSubstr("over the limit"));
  EXPECT_THAT(refusal(with_header("", 0)), HasSubstr("header"));
  EXPECT_THAT(refusal(with_header("[]", 0)), HasSubstr("begin with {"));
  EXPECT_THAT(refusal(with_header("{", 0)), HasSubstr("column"));
  EXPECT_THAT(refusal(with_header(R"({"a":1})", 0)), HasSubstr("tensor a: dtype is missing"));
  EXPECT_THAT(refusal(with_header(R"({"a":{"dtype":"X9","shape":[1],"data_offsets":[0,4]}})", 4)),
              HasSubstr("dtype X9"));
  EXPECT_THAT(refusal(with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", 8)),
              HasSubstr("do not fit"));
  EXPECT_THAT(refusal(with_header(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4)),
              HasSubstr("expected a count"));
  EXPECT_THAT(refusal(with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4)),
              HasSubstr("from 4 to 0"));
  EXPECT_THAT(refusal(with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 3)),
              HasSubstr("cut off"));
  EXPECT_THAT(refusal(with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 5)),
              HasSubstr("the file has"));
  EXPECT_THAT(refusal(with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})", 5)),
              HasSubstr("begins at byte"));
  EXPECT_THAT(
      refusal(with_header(
          R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
          3)),
      HasSubstr("begins at byte"));
  EXPECT_THAT(
      refusal(with_header(
          R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
          2)),
      HasSubstr("is there twice"));
  EXPECT_THAT(refusal(with_header(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0)),
              HasSubstr("do not fit"));
  EXPECT_THAT(refusal(with_header(R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}})", 1)),
              HasSubstr("do not fit"));
  EXPECT_THAT(refusal(with_header(std::string(2000, '{'), 0)), HasSubstr("header"));
}

TEST(SafetensorsWriter, RefusesWhatDoesNotFit) {
  const Bytes data = samples::pattern(8);
  SafetensorsWriter writer;
  EXPECT_THROW(writer.add_tensor("a", "F99", {2}, data), Error);
  EXPECT_THROW(writer.add_tensor("a", "F32", {3}, data), Error);
  writer.add_tensor("a", "F32", {2}, data);
  writer.add_tensor("a", "F32", {2}, data);
  EXPECT_THROW(samples::written(writer), Error);
}

TEST(SafetensorsSet, ShardsAreFoundByTheirIndex) {
  const samples::ScratchFolder folder("safetensors_1");
  const Bytes data = samples::pattern(8);
  SafetensorsWriter one;
  one.add_tensor("a", "F32", {2}, data);
  SafetensorsWriter two;
  two.add_tensor("b", "F32", {2}, data);
  folder.put("model-1.safetensors", samples::written(one));
  folder.put("model-2.safetensors", samples::written(two));
  const std::string index = "model.safetensors.index.json";
  folder.put(index, R"({"weight_map":{"b":"model-2.safetensors","a":"model-1.safetensors"}})");
  EXPECT_EQ(open_safetensors_folder(folder.path()).size(), 2U);
  const auto refused = [&](std::string_view map, std::string_view why) {
    folder.put(index, map);
    try {
      open_safetensors_folder(folder.path());
      ADD_FAILURE() << map;
    } catch (const Error& error) {
      EXPECT_THAT(error.message(), HasSubstr(why));
    }
  };
  refused(R"({"weight_map":{"c":"model-1.safetensors"}})", "tensor c is not in model-1.safetensors");
  refused(R"({"weight_map":{"a":"../model-1.safetensors"}})", "no name of a file beside it");
  refused(R"({"weight_map":{"a":"/etc/passwd"}})", "no name of a file beside it");
  refused(R"({"weight_map":[]})", "expected an object");
  refused("{}", "weight_map: is missing");
}

}  // namespace
}  // namespace kinglet::format
