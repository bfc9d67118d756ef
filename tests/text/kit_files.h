// Files of the data kit.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace kinglet::tests {

/// The kit's folder; empty where there is none (a user's clone).
inline std::string kit() {
  const char* folder = std::getenv("KINGLET_KIT");
  return folder != nullptr && std::filesystem::exists(folder) ? folder : "";
}

/// The content of a gzip file.
inline std::string unpacked(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  EXPECT_NE(file, nullptr) << path;
  std::string content;
  char piece[1 << 16];
  for (int n = 0; (n = gzread(file, piece, sizeof(piece))) > 0;) content.append(piece, static_cast<size_t>(n));
  gzclose(file);
  return content;
}

inline std::vector<std::string> split(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t at = 0; (at = text.find(separator, begin)) != std::string::npos; begin = at + separator.size()) {
    parts.push_back(text.substr(begin, at - begin));
  }
  parts.push_back(text.substr(begin));
  return parts;
}

}  // namespace kinglet::tests
