#include "home/store/manifest.h"

#include <algorithm>
#include <set>

#include "core/base/base.h"
#include "home/system/json.h"
#include "model/format/printable.h"

namespace kinglet::store {
namespace {

using system::Digest;
using system::Json;
using system::JsonArray;
using system::JsonObject;

constexpr size_t kMaxLayers = 500;  // each is held open while the model is pulled
constexpr uint64_t kMaxBlobBytes = uint64_t{1} << 50;
constexpr std::string_view kMediaType = "application/vnd.docker.distribution.manifest.v2+json";
constexpr std::string_view kTitle = "org.opencontainers.image.title";

Layer parse_layer(const Json& json) {
  const std::string& digest_text = json.at("digest").as_string("digest");
  const auto digest = Digest::parse(digest_text);
  if (!digest) fail_with(ErrorCode::kInvalidArgument, "digest: \"", format::printable(digest_text), "\" is none");
  const int64_t size = json.at("size").as_integer("size");
  if (size < 0 || static_cast<uint64_t>(size) > kMaxBlobBytes) {
    fail_with(ErrorCode::kInvalidArgument, "size: ", size, " is out of range");
  }
  Layer layer{json.at("mediaType").as_string("mediaType"), *digest, static_cast<uint64_t>(size)};
  if (layer.media_type != kFileLayer) return layer;
  layer.title = json.at("annotations").at(kTitle).as_string(kTitle);
  if (!is_plain_file_name(layer.title)) {
    fail_with(ErrorCode::kInvalidArgument, kTitle, ": \"", format::printable(layer.title), "\" is no name of a file");
  }
  return layer;
}

Json to_json(const Layer& layer) {
  Json json(
      JsonObject{{"mediaType", layer.media_type}, {"digest", layer.digest.to_string()}, {"size", layer.size_bytes}});
  if (!layer.title.empty()) json.set("annotations", Json(JsonObject{{std::string(kTitle), layer.title}}));
  return json;
}

Manifest parse_checked(std::string_view text, std::string_view what) {
  const Json json = Json::parse(text, "manifest", {.max_depth = 16});
  if (json.find("manifests") != nullptr) {
    fail_with(ErrorCode::kUnsupported, what, ": is a list of images for several machines, not a model");
  }
  if (json.at("schemaVersion").as_integer("schemaVersion") != 2) {
    fail_with(ErrorCode::kUnsupported, what, ": has a manifest of another version than 2");
  }
  Manifest manifest{.config = parse_layer(json.at("config"))};
  const JsonArray& layers = json.at("layers").as_array("layers");
  if (layers.size() > kMaxLayers) fail_with(ErrorCode::kInvalidArgument, "layers: more than ", kMaxLayers);
  for (const Json& layer : layers) manifest.layers.push_back(parse_layer(layer));
  return manifest;
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 200 && name[0] != '.' &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7F && c != '/' && c != '\\'; });
}

}  // namespace

bool is_plain_file_name(std::string_view name) {
  if (const size_t slash = name.find('/'); slash != std::string_view::npos)
    return is_plain_name(name.substr(0, slash)) && is_plain_name(name.substr(slash + 1));
  return is_plain_name(name);
}

Manifest Manifest::parse(std::string_view text, std::string_view what) {
  Manifest manifest = [&] {
    try {
      return parse_checked(text, what);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kInvalidArgument) throw;
      fail_with(ErrorCode::kInvalidFile, what, ": has a damaged manifest: ", error.message());
    }
  }();
  const auto n_models = std::ranges::count(manifest.layers, kModelLayer, &Layer::media_type);
  if (n_models == 1 || (n_models == 0 && manifest.find(kFileLayer) != nullptr)) return manifest;
  if (n_models > 1) fail_with(ErrorCode::kUnsupported, what, ": has its weights in ", n_models, " files");
  fail_with(ErrorCode::kUnsupported, what, ": is no language model that can be run here: it has no layer ",
            kModelLayer);
}

std::string Manifest::to_text() const {
  JsonArray array;
  for (const Layer& layer : layers) array.push_back(to_json(layer));
  return Json(JsonObject{{"schemaVersion", 2},
                         {"mediaType", kMediaType},
                         {"config", to_json(config)},
                         {"layers", Json(std::move(array))}})
      .dump();
}

std::vector<Layer> Manifest::blobs() const {
  std::vector<Layer> blobs;
  std::set<Digest> seen;
  const auto add = [&](const Layer& layer) {
    if (seen.insert(layer.digest).second) blobs.push_back(layer);
  };
  std::ranges::for_each(layers, add);
  add(config);
  return blobs;
}

uint64_t Manifest::size_bytes() const {
  uint64_t sum = config.size_bytes;  // 500 layers of 2^50 bytes do not overflow
  for (const Layer& layer : layers) sum += layer.size_bytes;
  return sum;
}

const Layer* Manifest::find(std::string_view media_type) const {
  const auto found = std::ranges::find(layers, media_type, &Layer::media_type);
  return found != layers.end() ? &*found : nullptr;
}

}  // namespace kinglet::store
