// Zip archives for tests, written by hand: nothing in them has to be true.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::system::samples {

struct ZipMember {
  std::string name;
  std::string content;
  /// What the headers say instead of content's length; 0: the truth.
  uint32_t claimed_bytes = 0;
};

inline uint32_t crc32(std::string_view bytes) {
  uint32_t sum = 0xFFFFFFFF;
  for (const char c : bytes) {
    sum ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (0xEDB88320U & (0U - (sum & 1)));
  }
  return ~sum;
}

inline void put_number(std::string& out, uint32_t value, int n_bytes) {
  for (int i = 0; i < n_bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

/// The members as they are, not compressed. Source: APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16.
inline std::string stored_zip(const std::vector<ZipMember>& members) {
  std::string file;
  std::string directory;
  for (const ZipMember& member : members) {
    const auto packed = static_cast<uint32_t>(member.content.size());
    std::string facts;
    put_number(facts, 0, 2);  // flags
    put_number(facts, 0, 2);  // stored
    put_number(facts, 0x21, 4);
    put_number(facts, crc32(member.content), 4);
    put_number(facts, packed, 4);
    put_number(facts, member.claimed_bytes > 0 ? member.claimed_bytes : packed, 4);
    put_number(facts, static_cast<uint32_t>(member.name.size()), 2);
    put_number(facts, 0, 2);
    const auto offset = static_cast<uint32_t>(file.size());
    file += "PK\x03\x04";
    put_number(file, 20, 2);
    file += facts + member.name + member.content;
    directory += "PK\x01\x02";
    put_number(directory, 20, 2);
    put_number(directory, 20, 2);
    directory += facts;
    directory.append(10, '\0');  // no comment, no disk number, no attributes
    put_number(directory, offset, 4);
    directory += member.name;
  }
  const auto start = static_cast<uint32_t>(file.size());
  file += directory + "PK\x05\x06";
  put_number(file, 0, 4);
  put_number(file, static_cast<uint32_t>(members.size()), 2);
  put_number(file, static_cast<uint32_t>(members.size()), 2);
  put_number(file, static_cast<uint32_t>(directory.size()), 4);
  put_number(file, start, 4);
  put_number(file, 0, 2);
  return file;
}

}  // namespace kinglet::system::samples
