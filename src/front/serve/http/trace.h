// Trace ids of clients who follow a request through several programs. Source: W3C Trace Context, section 3.2.
#pragma once

#include <string>
#include <string_view>

namespace kinglet::serve::http {

/// The 32 hexadecimal digits of the trace in a traceparent header; empty where the header is not sound.
[[nodiscard]] std::string trace_id_of(std::string_view traceparent);

}  // namespace kinglet::serve::http
