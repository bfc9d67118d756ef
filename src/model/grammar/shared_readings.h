// The readings of a grammar over one vocabulary, shared by its sequences. Internal to model/grammar.
#pragma once

#include <memory>
#include <mutex>

#include "model/grammar/readings.h"

namespace kinglet::grammar {

/// `readings` is used under `mutex` alone.
class SharedReadings {
 public:
  explicit SharedReadings(std::shared_ptr<const Program> of) : program(std::move(of)), readings(*program) {}

  const std::shared_ptr<const Program> program;
  std::mutex mutex;
  Readings readings;
};

}  // namespace kinglet::grammar
