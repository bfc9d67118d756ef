// Expressions of templates, by recursive descent in Jinja's grammar. Internal to the template engine.
#pragma once

#include <string>

#include "model/text/jinja/syntax.h"
#include "model/text/jinja/token_stream.h"

namespace kinglet::text::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& stream) : in_(stream) {}

  ExpressionPtr expression();
  /// Expressions with commas between them are a tuple. `may_be_conditional`: "a if b" belongs to the expression.
  ExpressionPtr tuple(bool may_be_conditional = true);
  /// What a value is assigned to: names with commas between them, in brackets as well.
  ExpressionPtr target();
  ExpressionPtr name();
  /// namespace.attribute
  ExpressionPtr attribute_of_name();
  /// The filters of a block, from the name of the first one.
  ExpressionPtr block_filters();

  /// Which of a macro's own names have been read since they were last set to false.
  struct MacroNames {
    bool caller = false;
    bool varargs = false;
    bool kwargs = false;
  };
  MacroNames names_read;

 private:
  using Kind = Expression::Kind;
  using Builder = std::unique_ptr<Expression>;

  static constexpr int kMaxDepth = 200;

  [[nodiscard]] Builder make(Kind kind) const;
  ExpressionPtr built(Builder made) const;
  template <class... Parts>
  ExpressionPtr make(Kind kind, std::string name, Parts... parts) const {
    Builder made = make(kind);
    made->name = std::move(name);
    (made->parts.push_back(std::move(parts)), ...);
    return built(std::move(made));
  }
  [[nodiscard]] ExpressionPtr constant(Value value) const;

  ExpressionPtr either();
  ExpressionPtr both();
  ExpressionPtr negation();
  ExpressionPtr comparison();
  ExpressionPtr sum();
  ExpressionPtr concatenation();
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr unary(bool with_filters);
  template <class Part, class Next>
  ExpressionPtr chain(Kind kind, const Part& part, const Next& next_operator);

  ExpressionPtr primary();
  ExpressionPtr single_target();
  ExpressionPtr parenthesized();
  ExpressionPtr list();
  ExpressionPtr dict();
  ExpressionPtr postfix(ExpressionPtr value);
  ExpressionPtr subscript(ExpressionPtr value);
  ExpressionPtr call(ExpressionPtr function);
  void arguments(Expression& target);
  ExpressionPtr filters_and_tests(ExpressionPtr value);
  std::string operation_name();
  ExpressionPtr filter(ExpressionPtr value);
  ExpressionPtr test(ExpressionPtr value);

  TokenStream& in_;
};

}  // namespace kinglet::text::jinja
