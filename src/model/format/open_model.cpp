#include "model/format/open_model.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "home/system/mapped_file.h"
#include "model/format/gguf.h"
#include "model/format/gguf_split.h"
#include "model/format/hf_folder.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

struct Signature {
  std::string_view start;
  std::string_view what;
};

constexpr std::string_view kOldGgml =
    "is a GGML file from before GGUF (2023), which is not read; get the model as GGUF";
constexpr std::string_view kPickle =
    "is a Python pickle, which can run code and is not read; get the model as GGUF or safetensors";
constexpr std::string_view kHtml = "is a web page, not a model: its download went wrong";

constexpr std::array kSignatures = {
    Signature{"FUGG", "is a big-endian GGUF file, which is not supported"},
    Signature{"lmgg", kOldGgml},
    Signature{"fmgg", kOldGgml},
    Signature{"tjgg", kOldGgml},
    Signature{"algg", kOldGgml},
    Signature{"\x80\x02", kPickle},
    Signature{"\x80\x03", kPickle},
    Signature{"\x80\x04", kPickle},
    Signature{"\x80\x05", kPickle},
    Signature{
        "PK\x03\x04",
        "is a zip archive (a PyTorch checkpoint or a package), not a model file; a package is taken in by import"},
    Signature{"\x1f\x8b", "is compressed with gzip; unpack it first"},
    Signature{"\x28\xb5\x2f\xfd", "is compressed with zstd; unpack it first"},
    Signature{"version https://git-lfs", "is a Git LFS pointer: the file itself was not downloaded"},
    Signature{"<!DOCTYPE", kHtml},
    Signature{"<!doctype", kHtml},
    Signature{"<html", kHtml},
    Signature{"{", "is a JSON file, not a model; name the folder that it lies in"},
};

// A safetensors file begins with a length that fits it and then a JSON object.
bool is_safetensors(std::string_view bytes) {
  if (bytes.size() < 10 || bytes[8] != '{') return false;
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  return length >= 2 && length <= bytes.size() - 8;
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    out += str(out.empty() ? "" : " ", kDigits[byte >> 4], kDigits[byte & 15]);
  }
  return out;
}

[[noreturn]] void refuse_file(const std::string& path, std::string_view bytes) {
  if (bytes.empty()) fail_with(ErrorCode::kInvalidFile, path, ": is empty");
  for (const Signature& signature : kSignatures) {
    if (bytes.starts_with(signature.start)) fail_with(ErrorCode::kUnsupported, path, ": ", signature.what);
  }
  if (is_safetensors(bytes)) {
    fail_with(ErrorCode::kUnsupported, path,
              ": is a safetensors file; name the folder that has it and its config.json");
  }
  if (std::string_view("GGUF").starts_with(bytes))
    fail_with(ErrorCode::kInvalidFile, path, ": ends after ", bytes.size(), " bytes");
  fail_with(ErrorCode::kInvalidFile, path, ": is no model file of a known kind; it begins with bytes ",
            hex(bytes.substr(0, 8)));
}

[[noreturn]] void refuse_folder(const std::string& path) {
  std::string found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".gguf") && (found.empty() || name < found)) found = name;
  }
  if (!found.empty()) {
    fail_with(ErrorCode::kInvalidFile, path, ": is a directory without config.json; name a file in it, such as ",
              printable(found));
  }
  fail_with(ErrorCode::kInvalidFile, path, ": is a directory without config.json");
}

}  // namespace

std::shared_ptr<const ModelFile> open_model(const std::string& path, HfFamilies families, const HfOptions& options) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    if (!std::filesystem::exists(path + "/config.json", error)) refuse_folder(path);
    return open_hf_folder(path, families, options);
  }
  {
    const system::MappedFile file(path);
    if (!is_gguf(file.bytes())) {
      refuse_file(path, {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
    }
  }
  auto file = open_gguf(path);
  return n_splits(*file) > 1 ? open_gguf_parts(std::move(file)) : file;
}

}  // namespace kinglet::format
