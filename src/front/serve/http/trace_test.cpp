#include "front/serve/http/trace.h"

#include <gtest/gtest.h>

namespace kinglet::serve::http {
namespace {

// The example of the standard.
const std::string kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kSound = "00-" + kTrace + "-00f067aa0ba902b7-01";

TEST(Trace, IsReadFromASoundHeader) {
  EXPECT_EQ(trace_id_of(kSound), kTrace);
  EXPECT_EQ(trace_id_of("cc" + kSound.substr(2) + "-what-comes-later"), kTrace);
}

TEST(Trace, IsNothingInAnotherOne) {
  std::string upper = kSound;
  upper[4] = 'B';
  for (const std::string& header :
       {std::string(), std::string("00"), kSound.substr(1), kSound + "x", kSound + "-x", "ff" + kSound.substr(2),
        "cc" + kSound.substr(2) + "x", "00-" + std::string(32, '0') + "-00f067aa0ba902b7-01",
        "00-" + kTrace + "-" + std::string(16, '0') + "-01", upper, std::string(55, '-'), "00_" + kSound.substr(3)}) {
    EXPECT_EQ(trace_id_of(header), "") << header;
  }
}

}  // namespace
}  // namespace kinglet::serve::http
