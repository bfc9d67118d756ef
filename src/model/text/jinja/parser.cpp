// Statements of templates; expressions are in expression_parser.cpp.
#include "model/text/jinja/parser.h"

#include <algorithm>
#include <initializer_list>

#include "model/text/jinja/expression_parser.h"
#include "model/text/jinja/token_stream.h"

namespace kinglet::text::jinja {
namespace {

using StatementPtr = std::unique_ptr<const Statement>;

class Parser {
 public:
  Parser(std::string_view source, std::string_view name) : in_(source, name), expressions_(in_) {}

  Body run() {
    Body body = statements({});
    if (!in_.at(Token::Kind::kEnd)) in_.refuse_current();
    return body;
  }

 private:
  using Kind = Statement::Kind;

  [[nodiscard]] std::unique_ptr<Statement> make(Kind kind) const {
    auto statement = std::make_unique<Statement>();
    statement->kind = kind;
    statement->line = in_.current().line;
    return statement;
  }

  // Up to a block whose name is in `ends`; its {% is taken, its name is current.
  Body statements(std::initializer_list<std::string_view> ends) {
    const TokenStream::Nesting nesting(in_);
    Body body;
    for (;;) {
      if (in_.at(Token::Kind::kText)) {
        auto statement = make(Kind::kText);
        statement->name = in_.take().text;
        body.push_back(std::move(statement));
      } else if (in_.at(Token::Kind::kPrintBegin)) {
        in_.take();
        auto statement = make(Kind::kPrint);
        statement->value = expressions_.tuple();
        if (!in_.at(Token::Kind::kPrintEnd)) in_.refuse("expected '}}'");
        in_.take();
        body.push_back(std::move(statement));
      } else if (in_.at(Token::Kind::kBlockBegin)) {
        in_.take();
        if (in_.at(Token::Kind::kName) && std::ranges::find(ends, in_.current().text) != ends.end()) return body;
        body.push_back(block());
      } else {
        if (ends.size() > 0) in_.refuse(str("{% ", *(ends.end() - 1), " %} is missing"));
        return body;
      }
    }
  }

  // The body of a block up to {% end %}, both tags' ends included.
  Body body_until(std::string_view end) {
    in_.expect_block_end();
    Body body = statements({end});
    in_.take();
    in_.expect_block_end();
    return body;
  }

  StatementPtr block() {
    const std::string word = in_.expect_name();
    if (word == "if") return if_block();
    if (word == "for") return for_block();
    if (word == "set") return set_block();
    if (word == "macro") return macro_block();
    if (word == "call") return call_block();
    if (word == "filter") return filter_block();
    if (word == "with") return with_block();
    if (word == "generation") {
      // It marks what an assistant says, for training; it is a block like any other here.
      auto statement = make(Kind::kWith);
      statement->body = body_until("endgeneration");
      return statement;
    }
    if (word == "break" || word == "continue") {
      if (loops_ == 0) in_.refuse(str("{% ", word, " %} outside of a loop"));
      auto statement = make(word == "break" ? Kind::kBreak : Kind::kContinue);
      in_.expect_block_end();
      return statement;
    }
    if (word == "do") {
      auto statement = make(Kind::kDo);
      statement->value = expressions_.tuple();
      in_.expect_block_end();
      return statement;
    }
    in_.refuse(str("{% ", word.substr(0, 40), " %} is not supported"));
  }

  StatementPtr if_block() {
    auto statement = make(Kind::kIf);
    do {
      Branch branch;
      branch.condition = expressions_.tuple(false);
      in_.expect_block_end();
      branch.body = statements({"elif", "else", "endif"});
      statement->branches.push_back(std::move(branch));
    } while (in_.skip_name("elif"));
    if (in_.take().text == "else") {
      statement->otherwise = body_until("endif");
    } else {
      in_.expect_block_end();
    }
    return statement;
  }

  StatementPtr for_block() {
    auto statement = make(Kind::kFor);
    statement->target = expressions_.target();
    if (!in_.skip_name("in")) in_.refuse("expected 'in'");
    statement->value = expressions_.tuple(false);
    if (in_.skip_name("if")) statement->condition = expressions_.expression();
    statement->is_recursive = in_.skip_name("recursive");
    in_.expect_block_end();
    ++loops_;
    statement->body = statements({"else", "endfor"});
    --loops_;
    if (in_.take().text == "else") {
      statement->otherwise = body_until("endfor");
    } else {
      in_.expect_block_end();
    }
    return statement;
  }

  StatementPtr set_block() {
    ExpressionPtr target = in_.before_operator(".") ? expressions_.attribute_of_name() : expressions_.target();
    if (in_.skip_operator("=")) {
      auto statement = make(Kind::kSet);
      statement->target = std::move(target);
      statement->value = expressions_.tuple();
      in_.expect_block_end();
      return statement;
    }
    auto statement = make(Kind::kSetBlock);
    statement->target = std::move(target);
    if (in_.skip_operator("|")) statement->value = expressions_.block_filters();
    statement->body = separate_body("endset");
    return statement;
  }

  // A body that is collected before it is printed: no loop around it can be left from within.
  Body separate_body(std::string_view end) {
    const int loops = std::exchange(loops_, 0);
    Body body = body_until(end);
    loops_ = loops;
    return body;
  }

  void parameters(Statement& statement) {
    in_.expect_operator("(");
    while (!in_.skip_operator(")")) {
      std::string name = in_.expect_name();
      ExpressionPtr standard = in_.skip_operator("=") ? expressions_.expression() : nullptr;
      if (standard == nullptr && !statement.parameters.empty() && statement.parameters.back().second != nullptr) {
        in_.refuse("a parameter without a default behind one with a default");
      }
      statement.parameters.emplace_back(std::move(name), std::move(standard));
      if (!in_.at_operator(")")) in_.expect_operator(",");
    }
  }

  void macro_body(Statement& statement, std::string_view end) {
    const ExpressionParser::MacroNames outside = std::exchange(expressions_.names_read, {});
    statement.body = separate_body(end);
    ExpressionParser::MacroNames& read = expressions_.names_read;
    statement.reads_caller = read.caller;
    statement.reads_varargs = read.varargs;
    statement.reads_kwargs = read.kwargs;
    read = {read.caller || outside.caller, read.varargs || outside.varargs, read.kwargs || outside.kwargs};
  }

  StatementPtr macro_block() {
    auto statement = make(Kind::kMacro);
    statement->name = in_.expect_name();
    parameters(*statement);
    macro_body(*statement, "endmacro");
    return statement;
  }

  StatementPtr call_block() {
    auto statement = make(Kind::kCallBlock);
    if (in_.at_operator("(")) parameters(*statement);
    statement->value = expressions_.expression();
    if (statement->value->kind != Expression::Kind::kCall) in_.refuse("{% call %} wants a call");
    macro_body(*statement, "endcall");
    return statement;
  }

  StatementPtr filter_block() {
    auto statement = make(Kind::kFilter);
    statement->value = expressions_.block_filters();
    statement->body = separate_body("endfilter");
    return statement;
  }

  StatementPtr with_block() {
    auto statement = make(Kind::kWith);
    while (!in_.at(Token::Kind::kBlockEnd)) {
      std::string name = in_.expect_name();
      in_.expect_operator("=");
      statement->parameters.emplace_back(std::move(name), expressions_.expression());
      if (!in_.at(Token::Kind::kBlockEnd)) in_.expect_operator(",");
    }
    statement->body = body_until("endwith");
    return statement;
  }

  TokenStream in_;
  ExpressionParser expressions_;
  int loops_ = 0;
};

}  // namespace

Body parse(std::string_view source, std::string_view name) { return Parser(source, name).run(); }

}  // namespace kinglet::text::jinja
