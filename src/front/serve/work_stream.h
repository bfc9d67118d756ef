// Long work (a pull, a push, a creation) as a response: what it says while it goes on, or its end alone.
#pragma once

#include <functional>
#include <string>

#include "front/serve/http/http.h"
#include "home/system/json.h"

namespace kinglet::serve {

/// Given to work: takes a document that says how far it is. False: nobody wants it any more, and it should stop.
using Report = std::function<bool(const system::Json&)>;

/// Runs `work` on a thread of its own; each report is a line of JSON. What it throws becomes a line {"error": ...}, or
/// the response's status where nothing was reported yet. Not streamed: the last report is the document.
http::Response run_work(std::function<void(const Report&)> work, bool streams, const http::Cancel& cancel);

}  // namespace kinglet::serve
