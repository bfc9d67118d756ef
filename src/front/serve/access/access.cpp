#include "front/serve/access/access.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/str.h"
#include "home/system/secret.h"

namespace kinglet::serve::access {
namespace {

constexpr double kMinute = 60.0;

std::vector<Caller> callers_of(const std::string& path) {
  std::vector<Caller> callers;
  for (Key& key : read_keys(path)) callers.push_back(std::make_shared<const Key>(std::move(key)));
  return callers;
}

// "Bearer KEY", its first word in any case, as RFC 9110 says.
std::string_view bearer_of(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  const bool is_bearer = authorization.size() > kScheme.size() &&
                         std::ranges::equal(authorization.substr(0, kScheme.size()), kScheme, [](char a, char b) {
                           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
                         });
  if (!is_bearer) return {};
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' ', kScheme.size()), authorization.size()));
  return authorization;
}

}  // namespace

Access::Access(std::string path) : path_(std::move(path)) { reload(); }

void Access::reload() {
  auto keys = callers_of(path_);
  const MutexLock lock(mutex_);
  keys_ = std::move(keys);
}

Result<Caller, Denial> Access::identify(std::optional<std::string_view> authorization,
                                        std::optional<std::string_view> api_key) const {
  const std::string_view secret = authorization ? bearer_of(*authorization) : api_key.value_or("");
  if (secret.empty()) return Denial{401, "a key is needed: Authorization: Bearer KEY, or X-Api-Key: KEY"};
  std::vector<Caller> keys;
  {
    const MutexLock lock(mutex_);
    keys = keys_;
  }
  // All of them, so that the time tells nothing about which one it is.
  Caller found;
  for (const Caller& key : keys) {
    if (system::same_secret(digest_of(key->salt, secret), key->digest)) found = key;
  }
  if (!found) return Denial{401, "this key is not known here"};
  return found;
}

Access::Used& Access::used(const Key& key, Clock::time_point now) {
  auto [entry, is_new] = used_.try_emplace(key.name);
  const auto fill = [&](Bucket& bucket, uint64_t per_minute) {
    const auto full = static_cast<double>(per_minute);
    if (is_new) {
      bucket = {full, now};
      return;
    }
    const double passed_s = std::max(0.0, std::chrono::duration<double>(now - bucket.at).count());
    bucket.left = std::min(full, bucket.left + passed_s * full / kMinute);
    bucket.at = now;
  };
  fill(entry->second.requests, key.grant.requests_per_minute);
  fill(entry->second.tokens, key.grant.tokens_per_minute);
  return entry->second;
}

std::optional<Denial> Access::admit(const Caller& caller, Clock::time_point now) {
  const Grant& grant = caller->grant;
  const MutexLock lock(mutex_);
  Used& mine = used(*caller, now);
  const auto too_soon = [&](std::string_view what, uint64_t per_minute, double missing) -> Denial {
    const double wait_s = std::ceil(missing * kMinute / static_cast<double>(per_minute));
    const auto retry_after_s = static_cast<unsigned>(std::clamp(wait_s, 1.0, 3600.0));
    return {429,
            str("the key \"", caller->name, "\" has used its ", per_minute, " ", what, " per minute; again in ",
                retry_after_s, " s"),
            retry_after_s};
  };
  if (grant.tokens_per_minute > 0 && mine.tokens.left <= 0) {
    return too_soon("tokens", grant.tokens_per_minute, 1 - mine.tokens.left);
  }
  if (grant.requests_per_minute > 0) {
    if (mine.requests.left < 1) return too_soon("requests", grant.requests_per_minute, 1 - mine.requests.left);
    mine.requests.left -= 1;
  }
  return std::nullopt;
}

void Access::charge(const Caller& caller, uint64_t n_tokens, Clock::time_point now) {
  if (caller->grant.tokens_per_minute == 0) return;
  const MutexLock lock(mutex_);
  used(*caller, now).tokens.left -= static_cast<double>(n_tokens);
}

std::optional<Denial> may_use(const Caller& caller, std::string_view model) {
  const auto& models = caller->grant.models;
  const bool may = models.empty() || std::ranges::any_of(models, [&](const auto& one) { return fits(one, model); });
  if (may) return std::nullopt;
  return Denial{403, str("the key \"", caller->name, "\" may not use the model \"", model, "\"")};
}

std::optional<Denial> may_manage(const Caller& caller) {
  if (caller->grant.manage) return std::nullopt;
  return Denial{403, str("the key \"", caller->name, "\" may ask models, but not change what this server has")};
}

}  // namespace kinglet::serve::access
