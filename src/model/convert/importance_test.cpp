// Importance matrices: written and read again, the older form, adding, and damaged files.
#include "model/convert/importance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "core/base/base.h"
#include "home/system/file.h"
#include "home/system/scratch_folder.h"

namespace kinglet::convert {
namespace {

ImportanceMatrix sample() {
  ImportanceMatrix matrix;
  matrix.by_name["blk.0.attn_q.weight"] = {{2.0F, 4.0F, 8.0F}, {2.0F}};
  matrix.by_name["blk.0.ffn_up_exps.weight"] = {{1.0F, 2.0F, 0.0F, 0.0F}, {4.0F, 0.0F}};
  matrix.datasets = {"a.txt"};
  matrix.n_chunks = 3;
  matrix.chunk_len = 512;
  return matrix;
}

void write(const ImportanceMatrix& matrix, const std::string& path) {
  std::string content;
  write_importance(matrix, [&](std::span<const std::byte> bytes) {
    content.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  system::write_file(path, content);
}

TEST(Importance, IsReadAsItWasWritten) {
  const system::ScratchFolder folder("importance");
  const std::string path = folder.path() + "/a.gguf";
  write(sample(), path);
  const ImportanceMatrix read = read_importance(path);
  EXPECT_EQ(read.n_chunks, 3U);
  EXPECT_EQ(read.chunk_len, 512U);
  EXPECT_EQ(read.datasets, std::vector<std::string>{"a.txt"});
  ASSERT_EQ(read.by_name.size(), 2U);
  EXPECT_EQ(read.weights_of("blk.0.attn_q.weight"), (std::vector<float>{1.0F, 2.0F, 4.0F}));
  // An expert that no token chose weighs all columns alike.
  EXPECT_EQ(read.weights_of("blk.0.ffn_up_exps.weight"), (std::vector<float>{0.25F, 0.5F, 1.0F, 1.0F}));
  EXPECT_TRUE(read.weights_of("blk.1.attn_q.weight").empty());
}

TEST(Importance, AddsWhatAnotherTextGave) {
  ImportanceMatrix sum = sample();
  sum.add(sample());
  EXPECT_EQ(sum.by_name.at("blk.0.attn_q.weight").squares[2], 16.0F);
  EXPECT_EQ(sum.weights_of("blk.0.attn_q.weight"), sample().weights_of("blk.0.attn_q.weight"));
  EXPECT_EQ(sum.n_chunks, 6U);
  EXPECT_EQ(sum.datasets.size(), 1U);
  ImportanceMatrix other = sample();
  other.by_name["blk.0.attn_q.weight"] = {{1.0F}, {1.0F}};
  EXPECT_THROW(sum.add(other), Error);
}

TEST(Importance, OlderFormIsRead) {
  std::string content;
  const auto put = [&](auto value) { content.append(reinterpret_cast<const char*>(&value), sizeof(value)); };
  put(int32_t{1});
  put(int32_t{19});
  content += "blk.0.attn_q.weight";
  put(int32_t{4});  // calls
  put(int32_t{2});
  put(8.0F);
  put(2.0F);
  put(int32_t{7});
  put(int32_t{5});
  content += "b.txt";
  const system::ScratchFolder folder("importance");
  const std::string path = folder.path() + "/a.dat";
  system::write_file(path, content);
  const ImportanceMatrix read = read_importance(path);
  EXPECT_EQ(read.weights_of("blk.0.attn_q.weight"), (std::vector<float>{2.0F, 0.5F}));
  EXPECT_EQ(read.n_chunks, 7U);
  EXPECT_EQ(read.datasets, std::vector<std::string>{"b.txt"});
  // Cut anywhere before the trailing part it is refused, never read past its end.
  for (size_t n = 0; n < 39; ++n) {
    system::write_file(path, content.substr(0, n));
    EXPECT_THROW((void)read_importance(path), Error) << n;
  }
}

TEST(Importance, WhatIsNotFiniteIsRefused) {
  ImportanceMatrix matrix = sample();
  matrix.by_name["blk.0.attn_q.weight"].squares[1] = NAN;
  const system::ScratchFolder folder("importance");
  const std::string path = folder.path() + "/a.gguf";
  write(matrix, path);
  try {
    (void)read_importance(path);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidFile);
    EXPECT_NE(error.message().find("blk.0.attn_q.weight"), std::string::npos);
  }
}

}  // namespace
}  // namespace kinglet::convert
