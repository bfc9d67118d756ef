#include "model/text/jinja/meter.h"

#include "core/base/base.h"

namespace kinglet::text::jinja {

void Meter::refuse(std::string_view why) const {
  fail_with(ErrorCode::kInvalidArgument, name_, ": line ", line_, column_ == 0 ? "" : str(", column ", column_), ": ",
            why);
}

void Meter::refuse_work() const { refuse(str("the template takes more than ", options_.max_steps, " steps")); }
void Meter::refuse_made() const { refuse(str("the template makes more than ", options_.max_made, " bytes")); }
void Meter::refuse_depth() const { refuse(str("the template is nested deeper than ", options_.max_depth)); }

void Meter::check_output(size_t n) const {
  if (n > options_.max_output) refuse(str("the result is longer than ", options_.max_output, " bytes"));
}

}  // namespace kinglet::text::jinja
