#include "run/engine/sampling.h"

#include <limits>
#include <string_view>

#include "core/base/base.h"
#include "run/engine/tokens.h"

namespace kinglet::engine {
namespace {

void check_range(std::string_view name, float value, float low, float high) {
  // The negated form refuses NaN as well.
  if (!(value >= low && value <= high)) {
    fail_with(ErrorCode::kInvalidArgument, name, ": ", static_cast<double>(value), " is not between ",
              static_cast<double>(low), " and ", static_cast<double>(high));
  }
}

}  // namespace

void check(const SamplingParams& params, size_t vocab_size) {
  constexpr float kAny = 1e6F;
  check_range("temperature", params.temperature, 0.0F, 100.0F);
  check_range("top_p", params.top_p, 0.0F, 1.0F);
  check_range("min_p", params.min_p, 0.0F, 1.0F);
  check_range("typical_p", params.typical_p, 0.0F, 1.0F);
  check_range("repeat_penalty", params.repetition_penalty, 1e-3F, 1e3F);
  check_range("frequency_penalty", params.frequency_penalty, -100.0F, 100.0F);
  check_range("presence_penalty", params.presence_penalty, -100.0F, 100.0F);
  check_range("dry_multiplier", params.dry_multiplier, 0.0F, kAny);
  check_range("dry_base", params.dry_base, 0.0F, kAny);
  check_range("xtc_probability", params.xtc_probability, 0.0F, 1.0F);
  check_range("xtc_threshold", params.xtc_threshold, 0.0F, 1.0F);
  check_range("mirostat_tau", params.mirostat_tau, 0.0F, kAny);
  check_range("mirostat_eta", params.mirostat_eta, 0.0F, 1.0F);
  for (const auto& [token, bias] : params.logit_bias) {
    check_tokens({&token, 1}, vocab_size, "logit_bias: ");
    if (!(bias < std::numeric_limits<float>::infinity())) {
      fail_with(ErrorCode::kInvalidArgument, "logit_bias: the bias of token ", token, " is no number below infinity");
    }
  }
  check_tokens(params.dry_breakers, vocab_size, "dry_breakers: ");
}

}  // namespace kinglet::engine
