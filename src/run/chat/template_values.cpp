#include "run/chat/template_values.h"

#include "model/text/jinja/json.h"

namespace kinglet::chat {

text::jinja::Value template_value(const system::Json& json) { return text::jinja::from_json(json); }

}  // namespace kinglet::chat
