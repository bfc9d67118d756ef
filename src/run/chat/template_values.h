// JSON as values of templates.
#pragma once

#include "home/system/json.h"
#include "model/text/jinja/dict.h"

namespace kinglet::chat {

text::jinja::Value template_value(const system::Json& json);

}  // namespace kinglet::chat
