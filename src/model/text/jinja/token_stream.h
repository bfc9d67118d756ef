// The tokens of a template, read one after the other. Internal to the template engine.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/base.h"
#include "model/text/jinja/lexer.h"

namespace kinglet::text::jinja {

class TokenStream {
 public:
  TokenStream(std::string_view source, std::string_view name) : name_(name), tokens_(tokenize(source, name)) {}

  /// Raises Error{kInvalidArgument} "NAME: line N: WHY".
  [[noreturn]] void refuse(std::string_view why) const {
    fail_with(ErrorCode::kInvalidArgument, name_, ": line ", current().line, ": ", why);
  }
  [[noreturn]] void refuse_current() const {
    const std::string& text = current().text;
    refuse(text.empty() ? std::string("an expression is missing") : str("unexpected '", text.substr(0, 40), "'"));
  }

  [[nodiscard]] const Token& current() const { return tokens_[at_]; }
  [[nodiscard]] const Token& following() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  [[nodiscard]] bool at(Token::Kind kind) const { return current().kind == kind; }
  [[nodiscard]] bool at_operator(std::string_view op) const {
    return at(Token::Kind::kOperator) && current().text == op;
  }
  [[nodiscard]] bool at_name(std::string_view word) const { return at(Token::Kind::kName) && current().text == word; }
  [[nodiscard]] bool before_operator(std::string_view op) const {
    return following().kind == Token::Kind::kOperator && following().text == op;
  }

  /// The current token, moved out; the last one stays.
  Token take() { return at_ + 1 < tokens_.size() ? std::move(tokens_[at_++]) : tokens_[at_]; }
  bool skip_operator(std::string_view op) {
    if (!at_operator(op)) return false;
    ++at_;
    return true;
  }
  bool skip_name(std::string_view word) {
    if (!at_name(word)) return false;
    ++at_;
    return true;
  }
  void expect_operator(std::string_view op) {
    if (!skip_operator(op)) refuse(str("expected '", op, "'"));
  }
  std::string expect_name() {
    if (!at(Token::Kind::kName)) refuse("expected a name");
    return take().text;
  }
  void expect_block_end() {
    if (!at(Token::Kind::kBlockEnd)) refuse("expected '%}'");
    ++at_;
  }

  /// One level of nesting for as long as it lives: what is read by recursion is nested no deeper than kMaxNesting.
  class Nesting {
   public:
    explicit Nesting(TokenStream& stream) : stream_(stream) {
      if (++stream.nesting_ > kMaxNesting) stream.refuse(str("nested deeper than ", kMaxNesting));
    }
    ~Nesting() { --stream_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    TokenStream& stream_;
  };
  static constexpr int kMaxNesting = 100;

 private:
  std::string_view name_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int nesting_ = 0;
};

}  // namespace kinglet::text::jinja
