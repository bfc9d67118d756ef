// Facade of home/egress: the one door out of this device.
//
// Door::send makes an HTTP request if the policy allows it, and writes every connection to the ledger, failed ones too:
// one row before it is opened and one when it is over. No other room opens a socket outwards.
// Thread rules: a Door may be used from several threads at once; it is made before they start.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kinglet::egress {

struct DoorOptions {
  std::string home;      ///< Where kinglet.db with the ledger lies; made at the first request.
  bool offline = false;  ///< Refuse everything.
};

class Door {
 public:
  explicit Door(DoorOptions options);
  ~Door();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kinglet::egress
