// What handlers work with. Made once, lives as long as the server.
#pragma once

#include <functional>
#include <string>

#include "front/serve/access/access.h"
#include "front/serve/http/http.h"
#include "home/store/store.h"
#include "home/system/log.h"
#include "run/chat/model_facts.h"
#include "run/chat/model_host.h"

namespace kinglet::serve {

struct Services {
  chat::ModelHost& host;
  store::Store& store;
  chat::FactsCache& facts;
  std::string version;
  /// Throws Error{kRefused} for a registry that models may not be pulled from or pushed to.
  std::function<void(const store::ModelName&)> check_registry;
  access::Access* access = nullptr;      ///< Null: everybody who reaches the server may do everything.
  system::Log* log = nullptr;            ///< Null: nothing is logged.
  const http::Server* server = nullptr;  ///< Set once it listens; its numbers are part of the metrics.
};

}  // namespace kinglet::serve
