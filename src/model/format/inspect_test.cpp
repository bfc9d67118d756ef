#include "model/format/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "model/format/samples.h"
#include "model/format/scratch_folder.h"

namespace kinglet::format {
namespace {

const KeyRow& row(const std::vector<KeyRow>& rows, std::string_view key) {
  const auto found = std::ranges::find(rows, key, &KeyRow::key);
  EXPECT_NE(found, rows.end()) << key;
  return *found;
}

TEST(Inspect, RowsOfAGguf) {
  const samples::ScratchFolder folder("inspect_rows");
  const Inspection inspection = Inspection::open(folder.put("m.gguf", samples::small_gguf()), {});
  EXPECT_EQ(inspection.kind(), "GGUF 3");
  const std::vector<KeyRow> keys = inspection.keys();
  EXPECT_EQ(row(keys, "t.f32").value, "0.1");
  EXPECT_EQ(row(keys, "t.bool").value, "true");
  EXPECT_EQ(row(keys, "t.i8").type, "i8");
  EXPECT_EQ(row(keys, "a.u32").type, "array of u32");
  EXPECT_EQ(row(keys, "a.u32").value, "[7, 8, 9]");
  EXPECT_EQ(row(keys, "a.string").value, R"(["one", "", "three", "vier"])");
  const std::vector<TensorRow> tensors = inspection.tensors();
  EXPECT_EQ(tensors[1].name, "blk.0.attn_q.weight");
  EXPECT_EQ(tensors[1].shape, (std::vector<uint64_t>{2, 32}));
  EXPECT_EQ(tensors[1].type, "Q8_0");
}

TEST(Inspect, ValuesThatAreNotFiniteAreNamed) {
  std::vector<float> values(5000, 1.0F);
  values[4321] = std::numeric_limits<float>::infinity();
  values[4400] = std::numeric_limits<float>::quiet_NaN();
  samples::Bytes blocks(34 * 40);
  const uint16_t nan = 0x7E00;
  std::memcpy(blocks.data() + 34 * 37, &nan, 2);  // a scale
  GgufWriter writer;
  writer.add_tensor("sound", samples::format("F32"), std::array<uint64_t, 1>{100},
                    std::as_bytes(std::span(values)).first(400));
  writer.add_tensor("bad", samples::format("F32"), std::array<uint64_t, 2>{50, 100}, std::as_bytes(std::span(values)));
  writer.add_tensor("blocks", samples::format("Q8_0"), std::array<uint64_t, 1>{32 * 40}, blocks);
  const samples::ScratchFolder folder("inspect_check");
  const Inspection inspection = Inspection::open(folder.put("m.gguf", samples::written(writer)), {});
  std::vector<std::string> not_checked;
  uint64_t done = 0;
  const std::vector<NotFinite> found = inspection.check(not_checked, [&](uint64_t bytes) { done = bytes; });
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].tensor, "bad");
  EXPECT_EQ(found[0].element_idx, 4321U);
  EXPECT_TRUE(std::isinf(found[0].value));
  EXPECT_EQ(found[1].tensor, "blocks");
  EXPECT_EQ(found[1].element_idx, 32U * 37U);
  EXPECT_TRUE(std::isnan(found[1].value));
  EXPECT_EQ(done, 400U + 20000U + 34U * 40U);
  EXPECT_TRUE(not_checked.empty());
}

TEST(Inspect, ASafetensorsFileAlone) {
  const samples::ScratchFolder folder("inspect_safetensors");
  const Inspection inspection = Inspection::open(folder.put("x.safetensors", samples::small_safetensors()), {});
  EXPECT_EQ(inspection.kind(), "safetensors");
  EXPECT_EQ(inspection.keys()[0].key, "format");
  EXPECT_EQ(inspection.tensors().size(), 7U);
  std::vector<std::string> not_checked;
  EXPECT_TRUE(inspection.check(not_checked).empty());
  EXPECT_EQ(not_checked, std::vector<std::string>{"flag"});
}

TEST(Inspect, TypesHaveNames) {
  EXPECT_EQ(gguf_type_name(12), "Q4_K");
  EXPECT_EQ(gguf_type_name(17), "IQ2_XS");
  EXPECT_EQ(gguf_type_name(39), "MXFP4");
  EXPECT_EQ(gguf_type_name(12345), "type 12345");
}

}  // namespace
}  // namespace kinglet::format
