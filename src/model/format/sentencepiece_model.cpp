#include "model/format/sentencepiece_model.h"

#include <array>
#include <bit>
#include <span>

#include "core/base/base.h"
#include "core/base/byte_reader.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

// A field of a message: its number and its value, of which one is set.
struct Field {
  uint32_t number = 0;
  uint64_t value = 0;      // varint, fixed32, fixed64
  std::string_view bytes;  // length-delimited
};

// The fields of one message, in order.
class Message {
 public:
  Message(std::string_view bytes, std::string_view name) : reader_(std::as_bytes(std::span(bytes)), name) {}

  bool next(Field& field) {
    if (reader_.remaining() == 0) return false;
    const uint64_t tag = varint("tag");
    field = {};
    if (tag >> 3U == 0 || tag >> 3U > UINT32_MAX) reader_.refuse("tag", "is no field's");
    field.number = static_cast<uint32_t>(tag >> 3U);
    switch (tag & 7U) {
      case 0:
        field.value = varint("number");
        return true;
      case 1:
        field.value = reader_.read<uint64_t>("number");
        return true;
      case 2:
        field.bytes = reader_.chars(varint("length"), "field");
        return true;
      case 5:
        field.value = reader_.read<uint32_t>("number");
        return true;
      default:
        reader_.refuse("tag", str("has wire type ", tag & 7U));
    }
  }

 private:
  uint64_t varint(std::string_view what) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = reader_.read<uint8_t>(what);
      value |= uint64_t{byte & 0x7FU} << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    reader_.refuse(what, "has more than ten bytes");
  }

  ByteReader reader_;
};

constexpr std::array<std::string_view, 5> kKinds = {"", "Unigram", "BPE", "Word", "Char"};

struct Spec {
  uint64_t kind = 1;
  bool treats_space_as_suffix = false;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
  std::string charsmap;
  // Ids of unk, bos, eos, pad; -1: none. 32-bit, as protobuf has them sign-extended.
  std::array<int32_t, 4> ids = {0, 1, 2, -1};
};

void read_trainer(std::string_view bytes, const std::string& name, Spec& spec) {
  Message message(bytes, name);
  for (Field field; message.next(field);) {
    if (field.number == 3) spec.kind = field.value;
    if (field.number == 24) spec.treats_space_as_suffix = field.value != 0;
    if (field.number >= 40 && field.number <= 43) spec.ids[field.number - 40] = static_cast<int32_t>(field.value);
  }
}

void read_normalizer(std::string_view bytes, const std::string& name, Spec& spec) {
  Message message(bytes, name);
  for (Field field; message.next(field);) {
    if (field.number == 2) spec.charsmap = field.bytes;
    if (field.number == 3) spec.add_dummy_prefix = field.value != 0;
    if (field.number == 4) spec.remove_extra_whitespaces = field.value != 0;
    if (field.number == 5) spec.escape_whitespaces = field.value != 0;
  }
}

HfToken read_piece(std::string_view bytes, const std::string& name, size_t idx) {
  HfToken token;
  token.type = HfTokenType::kNormal;
  Message message(bytes, name);
  for (Field field; message.next(field);) {
    if (field.number == 1) token.text = field.bytes;
    if (field.number == 2) token.score = std::bit_cast<float>(static_cast<uint32_t>(field.value));
    if (field.number != 3) continue;
    // Its numbers are those of GGUF.
    if (field.value < 1 || field.value > 6)
      fail_with(ErrorCode::kInvalidFile, name, ": piece ", idx, " has type ", field.value, ", expected 1 to 6");
    token.type = static_cast<HfTokenType>(field.value);
  }
  return token;
}

}  // namespace

HfVocabulary read_sentencepiece_model(std::string_view bytes, const std::string& name, uint64_t limit) {
  HfVocabulary made;
  Spec spec;
  Message message(bytes, name);
  for (Field field; message.next(field);) {
    if (field.number == 1) {
      const size_t idx = made.tokens.size();
      made.put(idx, read_piece(field.bytes, name, idx), limit, name + ": pieces");
    }
    if (field.number == 2) read_trainer(field.bytes, name, spec);
    if (field.number == 3) read_normalizer(field.bytes, name, spec);
  }
  if (made.tokens.empty()) fail_with(ErrorCode::kInvalidFile, name, ": has no pieces");
  if (spec.kind != 1 && spec.kind != 2) {
    fail_with(ErrorCode::kUnsupported, name, ": a model of kind ",
              spec.kind < kKinds.size() ? kKinds[spec.kind] : "unknown", " is not supported; supported: BPE, Unigram");
  }
  if (spec.treats_space_as_suffix || !spec.escape_whitespaces)
    fail_with(ErrorCode::kUnsupported, name, ": spaces that are no marks in front of words are not supported");
  made.model = spec.kind == 2 ? "llama" : "t5";
  made.add_space_prefix = spec.add_dummy_prefix;
  made.remove_extra_whitespaces = spec.remove_extra_whitespaces;
  made.charsmap = spec.charsmap;
  constexpr std::array<std::string_view, 4> kRoles = {"unk", "bos", "eos", "pad"};
  for (size_t i = 0; i < kRoles.size(); ++i) {
    const int32_t id = spec.ids[i];
    if (id >= 0 && static_cast<size_t>(id) < made.tokens.size())
      made.special[std::string(kRoles[i])] = static_cast<uint32_t>(id);
  }
  return made;
}

}  // namespace kinglet::format
