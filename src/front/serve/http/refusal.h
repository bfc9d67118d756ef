// Why a request is not answered: a status and a sentence for the client.
#pragma once

#include <string>

namespace kinglet::serve::http {

struct Refusal {
  unsigned status = 400;
  std::string message;
};

}  // namespace kinglet::serve::http
