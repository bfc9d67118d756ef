// One request and its answer over one connection: the only place that talks to libcurl's transfers.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "home/egress/egress.h"
#include "home/egress/reach.h"
#include "home/egress/url.h"

namespace kinglet::egress {

struct TransferPlan {
  const Url& url;
  const Request& request;
  const DoorOptions& options;
  bool send_authorization = true;
  /// Nearer addresses are not connected to.
  Reach nearest = Reach::kLoopback;
};

struct TransferResult {
  Response response;
  uint64_t bytes_out = 0;
  uint64_t bytes_in = 0;
  Reach reach = Reach::kLoopback;  ///< The farthest address that was tried.
  std::string outcome;             ///< For the ledger.
  std::exception_ptr failure;      ///< An Error, or what the sink threw; null: there is an answer.
};

/// Never throws for what the other side does: a failure has bytes, too.
TransferResult transfer(const TransferPlan& plan);

}  // namespace kinglet::egress
