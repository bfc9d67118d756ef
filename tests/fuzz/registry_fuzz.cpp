// Reads bytes as everything that a registry, a redirect or a user sends to the store: a manifest, a challenge, a name
// of a model, a URL, a name of a file. Whatever comes, no path leaves the store's folder.
#include <algorithm>
#include <filesystem>

#include "core/base/base.h"
#include "fuzz_target.h"
#include "home/egress/url.h"
#include "home/store/manifest.h"
#include "home/store/models_folder.h"
#include "home/store/quant_tag.h"
#include "home/store/registry.h"

namespace {

using namespace kinglet;
using namespace kinglet::store;

void check_inside(const std::string& path) {
  const std::string normal = std::filesystem::path(path).lexically_normal().string();
  KINGLET_CHECK(normal == path && path.starts_with("/store/"), "a path stays where it is put");
}

template <class Work>
void refusing(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    KINGLET_CHECK(error.code() == ErrorCode::kInvalidFile || error.code() == ErrorCode::kUnsupported ||
                      error.code() == ErrorCode::kInvalidArgument || error.code() == ErrorCode::kNetwork,
                  "what is wrong is called so");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ModelsFolder folder("/store", Place::kOwn);
  refusing([&] {
    const Manifest manifest = Manifest::parse(text, "fuzz");
    KINGLET_CHECK(Manifest::parse(manifest.to_text(), "again").to_text() == manifest.to_text(),
                  "a manifest reads back");
    for (const Layer& layer : manifest.blobs()) check_inside(folder.blob_path(layer.digest));
    for (const Layer& layer : manifest.layers) check_inside("/store/" + layer.title + (layer.title.empty() ? "x" : ""));
  });
  refusing([&] {
    const ModelName name = ModelName::parse(text);
    const ModelName again = ModelName::parse(name.to_string());
    KINGLET_CHECK(again == name && again.plain_http == name.plain_http, "a name reads back");
    check_inside(folder.manifest_path(name));
  });
  refusing([&] {
    const egress::Url base = egress::parse_url("https://registry.example/v2/a/blobs/b");
    const egress::Url url = egress::resolve(base, text);
    KINGLET_CHECK(url.scheme == "https" || url.scheme == "http", "nothing else is asked");
    KINGLET_CHECK(egress::parse_url(url.text).host == url.host, "a URL reads back");
  });
  static_cast<void>(parse_challenge(text));
  KINGLET_CHECK(text.empty() || !read_file_words(text).name.empty(), "every file has a name");
  return 0;
}
