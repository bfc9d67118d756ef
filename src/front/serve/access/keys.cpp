#include "front/serve/access/keys.h"

#include <algorithm>
#include <utility>

#include "core/base/base.h"
#include "home/system/file.h"
#include "home/system/folder.h"
#include "home/system/json.h"
#include "home/system/secret.h"

namespace kinglet::serve::access {
namespace {

using system::Json;

constexpr uint64_t kMaxFileBytes = uint64_t{1} << 20;
constexpr size_t kMaxKeys = 1000;
constexpr size_t kSecretBytes = 32;
constexpr size_t kSaltBytes = 16;

bool is_name(std::string_view name) {
  const auto is_fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, is_fine);
}

uint64_t count_of(const Json& value, std::string_view what) {
  const int64_t count = value.as_integer(what);
  if (count < 0) fail_with(ErrorCode::kInvalidArgument, what, ": is ", count, ", expected 0 or more");
  return static_cast<uint64_t>(count);
}

Key read_key(const Json& entry) {
  std::string name;
  std::string salt;
  std::optional<system::Digest> digest;
  Grant grant;
  for (const auto& [key, value] : entry.as_object("a key")) {
    if (key == "name") {
      name = value.as_string(key);
    } else if (key == "salt") {
      salt = value.as_string(key);
    } else if (key == "sha256") {
      digest = system::Digest::parse(value.as_string(key));
    } else if (key == "models") {
      for (const Json& model : value.as_array(key)) grant.models.push_back(model.as_string("a name in models"));
    } else if (key == "manage") {
      grant.manage = value.as_bool(key);
    } else if (key == "requests_per_minute") {
      grant.requests_per_minute = count_of(value, key);
    } else if (key == "tokens_per_minute") {
      grant.tokens_per_minute = count_of(value, key);
    } else {
      fail_with(ErrorCode::kInvalidArgument, "\"", key, "\" is nothing that a key has");
    }
  }
  if (!is_name(name)) fail_with(ErrorCode::kInvalidArgument, "a key has the name \"", name, "\", which is none");
  // Half a salt or a sum that is cut off would be a weak key without anybody's noticing.
  if (salt.size() < 2 * kSaltBytes || !digest) {
    fail_with(ErrorCode::kInvalidArgument, "key \"", name, "\" has no whole salt and sha256");
  }
  return {std::move(name), std::move(salt), *digest, std::move(grant)};
}

void write_keys(const std::string& path, const std::vector<Key>& keys) {
  Json list = system::JsonArray{};
  for (const Key& key : keys) {
    Json entry;
    entry.set("name", key.name).set("salt", key.salt).set("sha256", key.digest.to_string());
    if (!key.grant.models.empty()) {
      Json models = system::JsonArray{};
      for (const std::string& model : key.grant.models) models.push(model);
      entry.set("models", std::move(models));
    }
    entry.set("manage", key.grant.manage);
    if (key.grant.requests_per_minute > 0) entry.set("requests_per_minute", key.grant.requests_per_minute);
    if (key.grant.tokens_per_minute > 0) entry.set("tokens_per_minute", key.grant.tokens_per_minute);
    list.push(std::move(entry));
  }
  Json all;
  all.set("keys", std::move(list));
  system::write_file(path, all.dump(2) + "\n");
}

}  // namespace

std::vector<Key> read_keys(const std::string& path) {
  const std::string text = system::read_file(path, kMaxFileBytes);
  std::vector<Key> keys;
  try {
    const Json all = Json::parse(text, path, {.max_depth = 8});
    for (const auto& [key, value] : all.as_object("the file")) {
      if (key != "keys") fail_with(ErrorCode::kInvalidArgument, "\"", key, "\" is nothing that such a file has");
      for (const Json& entry : value.as_array(key)) keys.push_back(read_key(entry));
    }
    if (keys.size() > kMaxKeys) {
      fail_with(ErrorCode::kInvalidArgument, keys.size(), " keys, at most ", kMaxKeys, " are looked at");
    }
    for (size_t i = 0; i < keys.size(); ++i) {
      for (size_t k = 0; k < i; ++k) {
        if (keys[i].name == keys[k].name) fail_with(ErrorCode::kInvalidArgument, "two keys \"", keys[i].name, "\"");
      }
    }
  } catch (const Error& error) {
    fail_with(ErrorCode::kInvalidFile, path, ": ", error.message());
  }
  return keys;
}

std::string add_key(const std::string& path, const std::string& name, const Grant& grant) {
  if (!is_name(name)) {
    fail_with(ErrorCode::kInvalidArgument, "\"", name,
              "\" is no name of a key: letters, digits, \".\", \"_\" and \"-\"");
  }
  std::vector<Key> keys;
  if (system::facts_of(path)) keys = read_keys(path);
  for (const Key& key : keys) {
    if (key.name == name) fail_with(ErrorCode::kInvalidArgument, "there is a key \"", name, "\" in ", path, " already");
  }
  if (keys.size() == kMaxKeys)
    fail_with(ErrorCode::kInvalidArgument, path, " has ", kMaxKeys, " keys, as many as it may");
  const std::string secret = "kl-" + system::random_hex(kSecretBytes);
  const std::string salt = system::random_hex(kSaltBytes);
  keys.push_back({name, salt, digest_of(salt, secret), grant});
  write_keys(path, keys);
  return secret;
}

void remove_key(const std::string& path, const std::string& name) {
  std::vector<Key> keys = read_keys(path);
  if (std::erase_if(keys, [&](const Key& key) { return key.name == name; }) == 0) {
    fail_with(ErrorCode::kNotFound, "there is no key \"", name, "\" in ", path);
  }
  write_keys(path, keys);
}

system::Digest digest_of(std::string_view salt, std::string_view secret) {
  system::Sha256 sum;
  sum.add(salt);
  sum.add(secret);
  return sum.finish();
}

bool fits(std::string_view pattern, std::string_view name) noexcept {
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;  // The last one, and where in the name it was tried first.
  size_t tried = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      tried = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++tried;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace kinglet::serve::access
