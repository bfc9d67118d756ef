// Facade of front/serve/access: who may ask a server for what.
//
// Access holds the keys of a file (keys.h) and says of a request whose it is, whether it may be done, and whether it is
// too soon. A server without such a file answers everybody who reaches it.
// Thread rules: an Access may be used by any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/mutex.h"
#include "core/base/result.h"
#include "front/serve/access/keys.h"

namespace kinglet::serve::access {

/// Why a request is not done.
struct Denial {
  unsigned status = 401;  ///< 401: no key that is known; 403: not with this key; 429: too soon.
  std::string message;
  unsigned retry_after_s = 0;  ///< Of 429.
};

/// The key that a request came with.
using Caller = std::shared_ptr<const Key>;

class Access {
 public:
  using Clock = std::chrono::steady_clock;

  /// Reads the keys of a file. Throws as read_keys.
  explicit Access(std::string path);

  /// Reads the file again. Throws as read_keys; then the old keys stay. What a key has used up is remembered.
  void reload();

  /// Whose a request is: by the values of its Authorization header ("Bearer KEY") and of its X-Api-Key header.
  [[nodiscard]] Result<Caller, Denial> identify(std::optional<std::string_view> authorization,
                                                std::optional<std::string_view> api_key) const;

  /// Counts a request of this caller, if it is not too soon for one.
  [[nodiscard]] std::optional<Denial> admit(const Caller& caller, Clock::time_point now = Clock::now());
  /// Counts tokens that were read and written for this caller; over the limit his next requests wait.
  void charge(const Caller& caller, uint64_t n_tokens, Clock::time_point now = Clock::now());

 private:
  // What is left of a limit per minute: it fills up steadily, and holds a minute's worth.
  struct Bucket {
    double left = 0;
    Clock::time_point at;
  };
  struct Used {
    Bucket requests;
    Bucket tokens;
  };
  [[nodiscard]] Used& used(const Key& key, Clock::time_point now) REQUIRES(mutex_);

  const std::string path_;
  mutable Mutex mutex_;
  std::vector<Caller> keys_ GUARDED_BY(mutex_);
  std::map<std::string, Used> used_ GUARDED_BY(mutex_);  // by the key's name
};

/// Whether this caller may use a model, by its full name.
[[nodiscard]] std::optional<Denial> may_use(const Caller& caller, std::string_view model);
/// Whether this caller may change what the server has: pull, push, create, copy, delete, load.
[[nodiscard]] std::optional<Denial> may_manage(const Caller& caller);

}  // namespace kinglet::serve::access
