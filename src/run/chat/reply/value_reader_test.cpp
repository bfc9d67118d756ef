#include "run/chat/reply/value_reader.h"

#include <gtest/gtest.h>

#include "home/system/json.h"

namespace kinglet::chat {
namespace {

// All ways to cut a text in two, and each character alone, must give the same.
std::string read(std::string_view text, std::string_view raw_quote, Reading& state, size_t& n_taken) {
  std::string whole;
  for (size_t cut = 0; cut <= text.size() + 1; ++cut) {
    ValueReader reader(raw_quote);
    std::string json;
    size_t n = 0;
    if (cut <= text.size()) {
      n = reader.take(text.substr(0, cut), json);
      if (n == cut) n += reader.take(text.substr(cut), json);
    } else {
      while (n < text.size() && reader.take(text.substr(n, 1), json) == 1) ++n;
    }
    reader.finish(json);
    if (cut == 0) {
      whole = json;
      state = reader.state();
      n_taken = n;
    }
    EXPECT_EQ(json, whole) << text << " cut at " << cut;
    EXPECT_EQ(reader.state(), state) << text << " cut at " << cut;
    EXPECT_EQ(n, n_taken) << text << " cut at " << cut;
  }
  return whole;
}

struct Row {
  const char* text;
  const char* json;
};

TEST(ValueReader, PassesJsonAsItIs) {
  for (const char* text :
       {R"({"a": 1, "b": [true, false, null, -1.5e+3, "x\"\\\n\u00e9\ud83d\ude00"], "c": {}})", "[]", R"("text")",
        "[ 1 ,\n2 ]", R"({ "a" : [ [ ] , { } ] })", R"(["\u12ab\/\b\f\n\r\t"])", "{\"\xC3\xA9\": \"\xE2\x82\xAC\"}"}) {
    Reading state = Reading::kMore;
    size_t n = 0;
    EXPECT_EQ(read(text, {}, state, n), text);
    EXPECT_EQ(state, Reading::kDone) << text;
    EXPECT_EQ(n, std::string_view(text).size());
  }
}

TEST(ValueReader, MakesJsonOfWhatModelsWriteInstead) {
  constexpr Row kRows[] = {
      {"True", "true"},
      {"None", "null"},
      {"12", "12"},
      {"+3", "3"},
      {".5", "0.5"},
      {"-5.", "-5.0"},
      {"1.e3", "1.0e3"},
      {"'text'", R"("text")"},
      {"'say \"hi\"'", R"("say \"hi\"")"},
      {R"('it\'s')", R"("it's")"},
      {"'it's fine'", R"("it's fine")"},
      {"['a', 'b' , \"it's\"]", R"(["a", "b", "it's"])"},
      {"{'a': [1, None], 'b': (1, True)}", R"({"a": [1, null], "b": [1, true]})"},
      {"{a: 1, b_2: x}", nullptr},
      {"{a: 1, b_2: 2}", R"({"a": 1, "b_2": 2})"},
      {"[1, 2, ]", "[1, 2]"},
      {"{\"a\": 1,}", R"({"a": 1})"},
      {"\"two\nlines\tand \x01\"", R"("two\nlines\tand \u0001")"},
      {R"("\x41\q")", R"("\u0041\\q")"},
      {R"("\ud800")", R"("\ufffd")"},
      {R"("\ud800\u0041")", R"("\ufffd\u0041")"},
      {R"("\udc00 \ud83dx")", R"("\ufffd \ufffdx")"},
      {"nope", nullptr},
      {"01", nullptr},
      {"1.2.3", nullptr},
      {"NaN", nullptr},
      {"{\"a\" 1}", nullptr},
      {"[1 2]", nullptr},
      {"[1}", nullptr},
      {"{\"a\": }", nullptr},
      {"[,]", nullptr},
      {R"("\u12g4")", nullptr},
      {"<|\"|>x<|\"|>", nullptr},
  };
  for (const Row& row : kRows) {
    Reading state = Reading::kMore;
    size_t n = 0;
    const std::string json = read(row.text, {}, state, n);
    if (row.json == nullptr) {
      EXPECT_EQ(state, Reading::kFailed) << row.text << " gave " << json;
    } else {
      EXPECT_EQ(json, row.json) << row.text;
      EXPECT_EQ(state, Reading::kDone) << row.text;
      EXPECT_NO_THROW(system::Json::parse(json, row.text));
    }
  }
}

TEST(ValueReader, ReadsStringsBetweenAFamilysOwnMarks) {
  Reading state = Reading::kMore;
  size_t n = 0;
  EXPECT_EQ(read(R"({a:<|"|>x"y<|<|"|>,b:[<|"|>\n<|"|>,1],<|"|>c d<|"|>:None})", "<|\"|>", state, n),
            R"({"a":"x\"y<|","b":["\\n",1],"c d":null})");
  EXPECT_EQ(state, Reading::kDone);
}

TEST(ValueReader, StopsBehindTheValue) {
  Reading state = Reading::kMore;
  size_t n = 0;
  EXPECT_EQ(read(R"({"a": 1} and more)", {}, state, n), R"({"a": 1})");
  EXPECT_EQ(n, 8U);
  EXPECT_EQ(read("12, b=3", {}, state, n), "12");
  EXPECT_EQ(n, 2U);
  EXPECT_EQ(read("'a', b", {}, state, n), R"("a")");
  EXPECT_EQ(n, 3U);
}

TEST(ValueReader, GoesNoDeeperThanItsLimit) {
  ValueReader reader;
  std::string json;
  EXPECT_EQ(reader.take(std::string(1000, '['), json), ValueReader::kMaxDepth);
  EXPECT_EQ(reader.state(), Reading::kFailed);
}

TEST(ValueToJson, WantsTheWholeText) {
  std::string json;
  EXPECT_TRUE(value_to_json(" {'a': 1}\n", json));
  EXPECT_EQ(json, R"({"a": 1})");
  EXPECT_FALSE(value_to_json("1 2", json));
  EXPECT_FALSE(value_to_json("", json));
  EXPECT_FALSE(value_to_json("[1", json));
  EXPECT_EQ(json, R"({"a": 1})");
}

}  // namespace
}  // namespace kinglet::chat
