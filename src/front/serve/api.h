// What answers the requests of a server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "front/serve/endpoint.h"

namespace kinglet::serve {

class Api final : public http::Handler {
 public:
  struct Options {
    uint64_t max_body_bytes = uint64_t{64} << 20;
  };

  /// `services` outlive it.
  Api(Services& services, std::vector<Endpoint> endpoints, Options options);

  http::BodyRule body_rule(const http::Request& head) override;
  http::Response handle(http::Request&& request, const http::Cancel& cancel) override;
  http::Response refuse(unsigned status, std::string_view message, std::string_view path) override;
  void finished(const http::Exchange& exchange) override;

 private:
  struct Match {
    const Endpoint* endpoint = nullptr;
    std::map<std::string, std::string> values;
    std::string allowed;  // methods of this path, where it has another one
  };

  [[nodiscard]] Result<access::Caller, access::Denial> caller_of(const Endpoint& endpoint,
                                                                 const http::Request& request) const;
  [[nodiscard]] Match find(std::string_view method, std::string_view path) const;
  [[nodiscard]] static Json body_of(const Endpoint& endpoint, const http::Request& request);

  Services& services_;
  const std::vector<Endpoint> endpoints_;
  const Options options_;
};

/// The dialect that paths of this kind are spoken in.
Dialect dialect_of(std::string_view path) noexcept;

}  // namespace kinglet::serve
