#include "model/text/go/template.h"

#include "core/base/base.h"
#include "model/text/go/evaluator.h"
#include "model/text/go/parser.h"

namespace kinglet::text::go {

struct Template::Parsed {
  Tree tree;
  uint32_t response = UINT32_MAX;  ///< The order of the action that prints it.
};

Template::Template(std::string source, std::string name) : source_(std::move(source)), name_(std::move(name)) {
  if (source_.size() > kMaxSource) {
    refuse(name_, {}, str("the template has ", source_.size(), " bytes, the limit is ", kMaxSource));
  }
  Tree tree = parse(source_, name_);
  const uint32_t response = first_response(tree.root);
  parsed_ = std::make_unique<const Parsed>(Parsed{std::move(tree), response});
}

Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

bool Template::mentions(std::string_view name) const { return parsed_->tree.names.contains(name); }

std::string Template::render(const Value& data, const RenderOptions& options) const {
  return Evaluator(name_, parsed_->tree, options).render(data);
}

std::string Template::render_to_response(const Value& data, const RenderOptions& options) const {
  return Evaluator(name_, parsed_->tree, options, parsed_->response).render(data);
}

}  // namespace kinglet::text::go
