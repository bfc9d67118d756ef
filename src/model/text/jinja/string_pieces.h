// Methods that cut a text into pieces, each charged for itself. Internal to the template engine.
#pragma once

#include "model/text/jinja/operation.h"

namespace kinglet::text::jinja {

/// (sep=none, maxsplit=-1): at blanks where no separator is given.
Value split(const Call& call);
Value rsplit(const Call& call);
/// (keepends=false)
Value splitlines(const Call& call);
/// (sep)
Value partition(const Call& call);
Value rpartition(const Call& call);

}  // namespace kinglet::text::jinja
