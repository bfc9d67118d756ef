#include "home/store/modelfile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "home/system/test_failure.h"

namespace kinglet::store {
namespace {

using Command = Instruction::Command;
using system::failure;

std::string message(std::string_view text) {
  const Error error = failure([&] { Modelfile::parse(text, "Modelfile"); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  return error.message();
}

std::string value(std::string_view lines) {
  const Modelfile file = Modelfile::parse(str("FROM x\n", lines), "Modelfile");
  return file.instructions.size() == 2 ? file.instructions[1].value : "not one instruction";
}

TEST(Modelfile, Commands) {
  const Modelfile file = Modelfile::parse(
      "# made by hand\n\nFROM smollm2:135m\n  parameter temperature 0.5\nPARAMETER stop \"a b\"\nParameter stop <|x|>\n"
      "\tTEMPLATE \"\"\"{{ .Prompt }}\n# no comment\n\"\"\"\nsystem Be brief.\nADAPTER ./a.gguf\r\n"
      "LICENSE \"\"\"MIT\"\"\"\nMESSAGE user Hi: there\nmessage assistant \"\"\"two\nlines\"\"\"",
      "Modelfile");
  ASSERT_EQ(file.instructions.size(), 10U);
  const auto expect = [&](size_t i, Command command, std::string_view name, std::string_view text, uint32_t line) {
    EXPECT_EQ(file.instructions[i].command, command) << i;
    EXPECT_EQ(file.instructions[i].name, name) << i;
    EXPECT_EQ(file.instructions[i].value, text) << i;
    EXPECT_EQ(file.instructions[i].line, line) << i;
  };
  expect(0, Command::kFrom, "", "smollm2:135m", 3);
  expect(1, Command::kParameter, "temperature", "0.5", 4);
  expect(2, Command::kParameter, "stop", "a b", 5);
  expect(3, Command::kParameter, "stop", "<|x|>", 6);
  expect(4, Command::kTemplate, "", "{{ .Prompt }}\n# no comment\n", 7);
  expect(5, Command::kSystem, "", "Be brief.", 10);
  expect(6, Command::kAdapter, "", "./a.gguf", 11);
  expect(7, Command::kLicense, "", "MIT", 12);
  expect(8, Command::kMessage, "user", "Hi: there", 13);
  expect(9, Command::kMessage, "assistant", "two\nlines", 14);
}

// As Ollama's parser has them: a quote ends a value at the end of a line only.
TEST(Modelfile, Quotes) {
  EXPECT_EQ(value("SYSTEM \"a\""), "a");
  EXPECT_EQ(value("SYSTEM \"\""), "");
  EXPECT_EQ(value("SYSTEM \"\"\"\"\"\""), "");
  EXPECT_EQ(value("SYSTEM \"a\nb\""), "a\nb");
  EXPECT_EQ(value("SYSTEM \"a\" b\nc\""), "a\" b\nc");
}

TEST(Modelfile, QuotesWithin) {
  EXPECT_EQ(value("SYSTEM 'a b'"), "'a b'");
  EXPECT_EQ(value("SYSTEM say \"x\""), "say \"x\"");
  EXPECT_EQ(value("SYSTEM \"say \"x\" twice\""), "say \"x\" twice");
  EXPECT_EQ(value("SYSTEM \"\"\"say \"x\" \"\"\"  "), "say \"x\" ");
  EXPECT_EQ(value("SYSTEM \"\"\"\n a\n\"\"\""), "\n a\n");
  EXPECT_EQ(value("SYSTEM \"\"\"a\"\"\" b\nc\"\"\""), "a\"\"\" b\nc");
  EXPECT_EQ(value("SYSTEM a # no comment"), "a # no comment");
}

TEST(Modelfile, Encodings) {
  EXPECT_EQ(Modelfile::parse("\xEF\xBB\xBF"
                             "FROM \xC3\xA9",
                             "m")
                .instructions[0]
                .value,
            "\xC3\xA9");
  const std::string_view little(
      "\xFF\xFE"
      "F\0R\0O\0M\0 \0\xE9\0=\xD8\x26\xDC"
      "\xAC\x20",
      20);
  EXPECT_EQ(Modelfile::parse(little, "m").instructions[0].value, "\xC3\xA9\xF0\x9F\x90\xA6\xE2\x82\xAC");
  const std::string_view big("\xFE\xFF\0F\0R\0O\0M\0 \0x\xD8", 15);
  EXPECT_EQ(Modelfile::parse(big, "m").instructions[0].value, "x");
}

TEST(Modelfile, ErrorsNameLineAndCommand) {
  EXPECT_EQ(message(""), "Modelfile: has no line FROM, which names the model to begin with");
  EXPECT_EQ(message("FROM x\n\nTEMPALTE y"),
            "Modelfile: line 3: TEMPALTE: no such command; there are FROM, PARAMETER, TEMPLATE, SYSTEM, ADAPTER, "
            "LICENSE and MESSAGE");
  EXPECT_THAT(message("FROM x\nREQUIRES 0.14.0"),
              ::testing::StartsWith("Modelfile: line 2: REQUIRES: no such command"));
  EXPECT_EQ(message("FROM x\nfrom y"), "Modelfile: line 2: FROM: a second one; a model is made from one model or file");
  EXPECT_EQ(message("FROM"), "Modelfile: line 1: FROM: has no value");
  EXPECT_EQ(message("FROM x\nPARAMETER top_k"), "Modelfile: line 2: PARAMETER: has no value");
  EXPECT_EQ(message("FROM x\nMESSAGE tool x"),
            "Modelfile: line 2: MESSAGE: its role has to be system, user or assistant");
  EXPECT_EQ(message("FROM x\nSYSTEM \"\"\"a\nb"),
            "Modelfile: line 2: SYSTEM: its value begins with \"\"\" and does not end with it");
  EXPECT_EQ(message(std::string_view("FROM x\0", 7)), "Modelfile: is no text");
}

TEST(Modelfile, ManyEmptyLinesTakeLinearTime) {
  EXPECT_THAT(message(str("FROM x\nSYSTEM \"\"\"", std::string(3 << 20, '\n'))), ::testing::HasSubstr("does not end"));
}

TEST(Modelfile, ReadsWhatItWrites) {
  Modelfile file;
  for (const char* text :
       {"plain", "", " blanks ", "two\nlines", "\"quoted\"", "say \"x\"", "'x'", "ends with \"\"", "#"}) {
    file.instructions.push_back({Command::kSystem, "", text, 0});
    file.instructions.push_back({Command::kMessage, "user", text, 0});
  }
  file.instructions.insert(file.instructions.begin(), {Command::kFrom, "", "x", 0});
  const Modelfile again = Modelfile::parse(file.to_text(), "again");
  ASSERT_EQ(again.instructions.size(), file.instructions.size()) << file.to_text();
  for (size_t i = 0; i < again.instructions.size(); ++i) {
    EXPECT_EQ(again.instructions[i].value, file.instructions[i].value) << file.to_text();
    EXPECT_EQ(again.instructions[i].name, file.instructions[i].name);
  }
}

}  // namespace
}  // namespace kinglet::store
