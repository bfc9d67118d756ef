#include "model/format/safetensors_set.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "home/system/file.h"
#include "model/format/file_json.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

constexpr uint64_t kMaxIndexBytes = 100'000'000;
constexpr size_t kMaxIndexDepth = 8;

// A name that leads nowhere but into the folder.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

std::vector<Safetensors> open_shards(const std::string& folder, const std::string& index_path) {
  const std::string text = system::read_file(index_path, kMaxIndexBytes);
  std::map<std::string, std::string> shard_of;
  reading_json(index_path, [&] {
    const system::Json root = system::Json::parse(text, index_path, {.max_depth = kMaxIndexDepth});
    for (const auto& [name, shard] : root.at("weight_map").as_object("weight_map")) {
      const std::string& shard_name = shard.as_string("weight_map");
      if (!is_plain_name(shard_name)) {
        fail_with(ErrorCode::kInvalidFile, index_path, ": shard ", printable(shard_name),
                  " is no name of a file beside it");
      }
      if (!shard_of.emplace(name, shard_name).second) {
        fail_with(ErrorCode::kInvalidFile, index_path, ": tensor ", printable(name), " is there twice");
      }
    }
  });
  std::set<std::string> names;
  for (const auto& [tensor, shard] : shard_of) names.insert(shard);
  std::map<std::string, size_t> place;
  std::vector<Safetensors> shards;
  for (const std::string& name : names) {
    place.emplace(name, shards.size());
    const std::string path = folder + "/" + name;
    if (!std::filesystem::exists(path)) {
      fail_with(ErrorCode::kInvalidFile, path, ": is missing, one of ", names.size(), " parts that ", index_path,
                " names");
    }
    shards.push_back(Safetensors::open(path));
  }
  for (const auto& [tensor, shard] : shard_of) {
    if (shards[place.at(shard)].find(tensor) == nullptr) {
      fail_with(ErrorCode::kInvalidFile, index_path, ": tensor ", printable(tensor), " is not in ", printable(shard));
    }
  }
  return shards;
}

}  // namespace

std::vector<Safetensors> open_safetensors_folder(const std::string& folder) {
  const std::string single = folder + "/model.safetensors";
  const std::string index = folder + "/model.safetensors.index.json";
  if (std::filesystem::exists(single)) {
    std::vector<Safetensors> files;
    files.push_back(Safetensors::open(single));
    return files;
  }
  if (std::filesystem::exists(index)) return open_shards(folder, index);
  if (std::filesystem::exists(folder + "/pytorch_model.bin") ||
      std::filesystem::exists(folder + "/pytorch_model.bin.index.json")) {
    fail_with(ErrorCode::kUnsupported, folder,
              ": has its weights in a Python pickle (pytorch_model.bin) only, which can run code ",
              "and is not read; get the safetensors form of this model");
  }
  fail_with(ErrorCode::kNotFound, folder, ": has no model.safetensors and no model.safetensors.index.json");
}

}  // namespace kinglet::format
