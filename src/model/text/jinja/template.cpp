#include "model/text/jinja/template.h"

#include "core/base/base.h"
#include "model/text/jinja/evaluator.h"
#include "model/text/jinja/parser.h"

namespace kinglet::text::jinja {
namespace {

const std::string& checked(const std::string& source, std::string_view name) {
  if (source.size() > Template::kMaxSource) {
    fail_with(ErrorCode::kInvalidArgument, name, ": line 1: the template has ", source.size(), " bytes, the limit is ",
              Template::kMaxSource);
  }
  return source;
}

}  // namespace

struct Template::Tree {
  Body body;
};

Template::Template(std::string source, std::string name) : source_(std::move(source)), name_(std::move(name)) {
  tree_ = std::make_unique<const Tree>(Tree{parse(checked(source_, name_), name_)});
}

Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

std::string Template::render(const Value& context, const RenderOptions& options) const {
  return Evaluator(name_, options).render(tree_->body, context);
}

}  // namespace kinglet::text::jinja
