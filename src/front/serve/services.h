// What handlers work with. Made once, lives as long as the server.
#pragma once

#include <functional>
#include <string>

#include "home/store/store.h"
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
};

}  // namespace kinglet::serve
