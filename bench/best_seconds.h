// How long something takes, for the programs of this folder.
#pragma once

#include <algorithm>
#include <chrono>
#include <ctime>
#include <limits>

namespace kinglet {

/// Seconds on the wall, from some beginning.
inline double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Seconds that processors worked for this program.
inline double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Rounds {
  int n_most = 200;
  double enough_s = 0.3;           ///< No further run begins behind it; three there are.
  double (*now)() = wall_seconds;  ///< The clock.
};

/// Seconds of the fastest of several runs of work(): other programs only ever make it longer.
template <class Work>
double best_seconds(const Work& work, const Rounds& rounds = {}) {
  double best = std::numeric_limits<double>::infinity();
  double total = 0;
  for (int i = 0; i < rounds.n_most && (i < 3 || total < rounds.enough_s); ++i) {
    const double from = rounds.now();
    work();
    const double seconds = rounds.now() - from;
    best = std::min(best, seconds);
    total += seconds;
  }
  return best;
}

}  // namespace kinglet
