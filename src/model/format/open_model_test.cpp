#include "model/format/open_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/format/gguf_split.h"
#include "model/format/samples.h"
#include "model/format/scratch_folder.h"

namespace kinglet::format {
namespace {

using samples::Bytes;
using testing::HasSubstr;

std::string refusal(const std::string& path, ErrorCode code) {
  try {
    open_model(path, {});
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.message();
    EXPECT_THAT(error.message(), HasSubstr(path));
    return error.message();
  }
}

TEST(OpenModel, SaysWhatAPathIs) {
  using enum ErrorCode;
  const samples::ScratchFolder folder("open_model_1");
  const auto path = [&](std::string_view name) { return folder.path() + "/" + std::string(name); };
  refusal(path("missing.gguf"), kNotFound);
  EXPECT_THAT(refusal(folder.path(), kInvalidFile), HasSubstr("is a directory without config.json"));
  EXPECT_THAT(refusal(folder.put("empty", ""), kInvalidFile), HasSubstr("is empty"));
  EXPECT_THAT(refusal(folder.put("cut", "GG"), kInvalidFile), HasSubstr("ends after 2 bytes"));
  EXPECT_THAT(refusal(folder.put("old", "tjgg\1\0\0\0"), kUnsupported), HasSubstr("before GGUF"));
  EXPECT_THAT(refusal(folder.put("pickle", "\x80\x02}q"), kUnsupported), HasSubstr("Python pickle"));
  EXPECT_THAT(refusal(folder.put("zip", "PK\x03\x04..."), kUnsupported), HasSubstr("zip archive"));
  EXPECT_THAT(refusal(folder.put("lfs", "version https://git-lfs.github.com/spec/v1\n"), kUnsupported),
              HasSubstr("Git LFS pointer"));
  EXPECT_THAT(refusal(folder.put("page", "<!DOCTYPE html><html>"), kUnsupported), HasSubstr("web page"));
  EXPECT_THAT(refusal(folder.put("config", "{\"a\":1}"), kUnsupported), HasSubstr("JSON file"));
  EXPECT_THAT(refusal(folder.put("x.safetensors", samples::small_safetensors()), kUnsupported),
              HasSubstr("safetensors file"));
  EXPECT_THAT(refusal(folder.put("noise", "abcdefghijk"), kInvalidFile),
              HasSubstr("begins with bytes 61 62 63 64 65 66 67 68"));
  folder.put("model.gguf", samples::small_gguf());
  EXPECT_THAT(refusal(folder.path(), kInvalidFile), HasSubstr("such as model.gguf"));
  EXPECT_EQ(open_model(path("model.gguf"), {})->tensors().size(), 4U);
}

Bytes part(uint16_t number, uint16_t count, std::string_view tensor, int32_t n_tensors = 2) {
  static const Bytes data = samples::pattern(32);
  GgufWriter writer;
  if (number == 0) writer.add_string("general.architecture", "llama");
  writer.add_number("split.no", ValueType::kU16, number);
  writer.add_number("split.count", ValueType::kU16, count);
  writer.add_i32("split.tensors.count", n_tensors);
  writer.add_tensor(tensor, samples::format("F32"), std::array<uint64_t, 1>{8}, data);
  return samples::written(writer);
}

TEST(OpenModel, PartsOfASplitFileAreOneModel) {
  const samples::ScratchFolder folder("open_model_2");
  const std::string first = folder.put("m-00001-of-00002.gguf", part(0, 2, "a"));
  const std::string second = folder.put("m-00002-of-00002.gguf", part(1, 2, "b"));
  const auto file = open_model(first, {});
  ASSERT_EQ(file->tensors().size(), 2U);
  EXPECT_EQ(file->find("b")->size_bytes, 32U);
  EXPECT_EQ(file->metadata().require<std::string_view>("general.architecture"), "llama");
  EXPECT_EQ(file->kind(), "GGUF 3 in 2 parts");
  EXPECT_EQ(file->metadata().find("split.count"), nullptr);
  EXPECT_THAT(refusal(second, ErrorCode::kInvalidArgument), HasSubstr("is part 2 of 2"));
  folder.put("m-00002-of-00002.gguf", part(1, 2, "a"));
  EXPECT_THROW(open_model(first, {}), Error);
  folder.put("m-00002-of-00002.gguf", part(0, 2, "b"));
  EXPECT_THROW(open_model(first, {}), Error);
  folder.put("m-00002-of-00002.gguf", part(1, 2, "b", 3));
  folder.put("m-00001-of-00002.gguf", part(0, 2, "a", 3));
  EXPECT_THAT(refusal(first, ErrorCode::kInvalidFile), HasSubstr("split.tensors.count is 3, the parts have 2"));
  std::filesystem::remove(second);
  EXPECT_THAT(refusal(first, ErrorCode::kInvalidFile), HasSubstr("00002-of-00002.gguf: is missing, one of 2 parts"));
  EXPECT_THAT(refusal(folder.put("renamed.gguf", part(0, 2, "a")), ErrorCode::kInvalidFile),
              HasSubstr("-00001-of-00002.gguf"));
}

}  // namespace
}  // namespace kinglet::format
