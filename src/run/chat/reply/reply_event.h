// What a model's reply turns into while it comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace kinglet::chat {

struct ReplyEvent {
  enum class Kind : uint8_t {
    kText,       ///< More of the answer.
    kThinking,   ///< More of what the model says to itself.
    kCallBegin,  ///< A call of a tool: call_idx, id, name.
    kArguments,  ///< More of the arguments of the call that began last: JSON text; all of it together is one object.
    kCallEnd,    ///< The arguments are complete, or they never will be (`complete`).
  };
  Kind kind = Kind::kText;
  std::string text = {};  ///< Valid UTF-8 where the reply is; never empty in the three kinds that have it.
  size_t call_idx = 0;    ///< Calls count from 0 in each reply.
  std::string id = {};
  std::string name = {};
  bool complete = true;

  bool operator==(const ReplyEvent&) const = default;
};

}  // namespace kinglet::chat
