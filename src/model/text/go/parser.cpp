#include "model/text/go/parser.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/base/base.h"
#include "model/text/go/functions.h"

namespace kinglet::text::go {
namespace {

using Kind = Token::Kind;

constexpr int kMaxDepth = 200;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// A whole number as Go's constants have it; nullopt for another one.
std::optional<int64_t> whole_number(std::string digits) {
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.erase(0, 1);
  std::erase(digits, '_');
  int base = 10;
  size_t skip = 0;
  const std::string start = lower(digits.substr(0, 2));
  if (start == "0x" || start == "0b" || start == "0o") {
    base = start == "0x" ? 16 : start == "0b" ? 2 : 8;
    skip = 2;
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
  }
  uint64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, status] = std::from_chars(digits.data() + skip, end, value, base);
  const uint64_t limit = static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0);
  if (status != std::errc() || stop != end || value > limit) return std::nullopt;
  return static_cast<int64_t>(negative ? 0 - value : value);
}

std::optional<double> floating_number(std::string digits) {
  std::erase(digits, '_');
  if (digits.starts_with('+')) digits.erase(0, 1);
  double value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, status] = std::from_chars(digits.data(), end, value);
  const bool is_decimal = digits.find_first_not_of("0123456789.eE+-") == std::string::npos;
  const bool is_floating = digits.find_first_of(".eE") != std::string::npos;  // else a whole number over 63 bits
  if (status != std::errc() || stop != end || !is_decimal || !is_floating) return std::nullopt;
  return value;
}

class Parser {
 public:
  Parser(std::string_view source, std::string_view name) : name_(name), tokens_(tokenize(source, name)) {}

  Tree run() {
    Nodes nodes;
    while (peek().kind != Kind::kEnd) {
      if (at_keyword("define")) {
        define();
      } else if (at_keyword("end") || at_keyword("else")) {
        refuse_at(peek(1), str("unexpected {{", peek(1).text, "}}"));
      } else {
        node(nodes);
      }
    }
    tree_.root = std::move(nodes);
    return std::move(tree_);
  }

 private:
  struct Level {
    Level(Parser& the_parser, Position position) : parser(the_parser) {
      if (++parser.depth_ > kMaxDepth) refuse(parser.name_, position, str("nested deeper than ", kMaxDepth));
    }
    ~Level() { --parser.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    Parser& parser;
  };

  [[nodiscard]] const Token& peek(size_t n = 0) const { return tokens_[std::min(at_ + n, tokens_.size() - 1)]; }
  const Token& take() {
    const Token& token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  [[noreturn]] void refuse_at(const Token& token, std::string_view why) const { refuse(name_, token.position, why); }
  [[noreturn]] void unexpected(const Token& token, std::string_view where) const {
    if (token.kind == Kind::kEnd) refuse_at(token, str("the template ends within ", where));
    refuse_at(token, token.kind == Kind::kRight ? str("missing value for ", where)
                                                : str("unexpected \"", token.text, "\" in ", where));
  }
  [[nodiscard]] bool at_keyword(std::string_view word) const {
    return peek().kind == Kind::kLeft && peek(1).kind == Kind::kIdentifier && peek(1).text == word;
  }
  void expect(Kind kind, std::string_view where) {
    if (peek().kind != kind) unexpected(peek(), where);
    take();
  }

  Node made(Node::Kind kind, Position position) { return {.kind = kind, .position = position, .order = ++n_nodes_}; }

  void node(Nodes& nodes) {
    const Token& token = take();
    if (token.kind == Kind::kText) {
      nodes.push_back(made(Node::Kind::kText, token.position));
      nodes.back().text = token.text;
      return;
    }
    const Level level(*this, token.position);
    const std::string word = peek().kind == Kind::kIdentifier ? peek().text : "";
    if (word == "if") return branch(nodes, Node::Kind::kIf);
    if (word == "with") return branch(nodes, Node::Kind::kWith);
    if (word == "range") return branch(nodes, Node::Kind::kRange);
    if (word == "template" || word == "block") return call(nodes);
    if (word == "break" || word == "continue") return jump(nodes, word);
    if (word == "define") refuse_at(peek(), "unexpected {{define}}: it stands within another action");
    Node action = made(Node::Kind::kAction, token.position);
    action.pipe = pipe("command", Kind::kRight, 1);
    nodes.push_back(std::move(action));
  }

  // Nodes up to an {{end}} or {{else, which is not taken.
  Nodes body(const Token& of) {
    Nodes nodes;
    while (!at_keyword("end") && !at_keyword("else")) {
      if (peek().kind == Kind::kEnd) refuse_at(of, str("{{", of.text, "}} has no {{end}}"));
      node(nodes);
    }
    return nodes;
  }
  void end() {
    take();
    take();
    expect(Kind::kRight, "end");
  }

  void branch(Nodes& nodes, Node::Kind kind) {
    const Token& keyword = take();
    const size_t n_variables = variables_.size();
    Node branch = made(kind, keyword.position);
    branch.pipe = pipe(keyword.text, Kind::kRight, kind == Node::Kind::kRange ? 2 : 1);
    n_ranges_ += kind == Node::Kind::kRange ? 1 : 0;
    branch.body = body(keyword);
    n_ranges_ -= kind == Node::Kind::kRange ? 1 : 0;
    if (at_keyword("else"))
      otherwise(branch, kind, keyword);
    else
      end();
    variables_.resize(n_variables);
    nodes.push_back(std::move(branch));
  }

  void otherwise(Node& branch_node, Node::Kind kind, const Token& keyword) {
    take();
    take();
    const bool goes_on = peek().kind == Kind::kIdentifier && ((kind == Node::Kind::kIf && peek().text == "if") ||
                                                              (kind == Node::Kind::kWith && peek().text == "with"));
    if (goes_on) {  // {{else if}} is {{else}}{{if}} with one {{end}} for both
      const Level level(*this, peek().position);
      return branch(branch_node.otherwise, kind);
    }
    expect(Kind::kRight, "else");
    branch_node.otherwise = body(keyword);
    if (at_keyword("else")) refuse_at(peek(1), "expected end; found {{else}}");
    end();
  }

  void call(Nodes& nodes) {
    const Token& keyword = take();
    if (peek().kind != Kind::kString) unexpected(peek(), keyword.text);
    Node node = made(Node::Kind::kTemplate, keyword.position);
    node.text = take().text;
    if (peek().kind == Kind::kRight && keyword.text == "template") {
      take();
    } else {
      node.pipe = pipe(keyword.text, Kind::kRight, 0);
    }
    if (keyword.text == "block") define_body(node.text, keyword);
    nodes.push_back(std::move(node));
  }

  void define() {
    take();
    const Token& keyword = take();
    if (peek().kind != Kind::kString) unexpected(peek(), "define clause");
    const std::string name = take().text;
    expect(Kind::kRight, "define clause");
    define_body(name, keyword);
  }

  void define_body(const std::string& name, const Token& keyword) {
    // A template sees its own variables alone.
    std::vector<std::string> outer = std::exchange(variables_, {"$"});
    const int n_ranges = std::exchange(n_ranges_, 0);
    Nodes nodes = body(keyword);
    if (at_keyword("else")) refuse_at(peek(1), "unexpected {{else}}");
    end();
    variables_ = std::move(outer);
    n_ranges_ = n_ranges;
    tree_.templates[name] = std::move(nodes);
  }

  void jump(Nodes& nodes, const std::string& word) {
    const Token& keyword = take();
    if (n_ranges_ == 0) refuse_at(keyword, str("{{", word, "}} outside {{range}}"));
    expect(Kind::kRight, word);
    nodes.push_back(made(word == "break" ? Node::Kind::kBreak : Node::Kind::kContinue, keyword.position));
  }

  // Up to and with the token `end`.
  std::shared_ptr<const Pipe> pipe(std::string_view where, Kind end, size_t max_variables) {
    auto pipe = std::make_shared<Pipe>();
    pipe->position = peek().position;
    declarations(*pipe, max_variables);
    for (;;) {
      pipe->commands.push_back(command(where));
      const Token& token = take();
      if (token.kind == end) break;
      if (token.kind != Kind::kPipe) unexpected(token, where);
    }
    for (size_t i = 1; i < pipe->commands.size(); ++i) {
      const Operand& first = pipe->commands[i].operands.front();
      if (first.kind == Operand::Kind::kConstant || first.kind == Operand::Kind::kNil ||
          (first.kind == Operand::Kind::kDot && first.fields.empty())) {
        refuse(name_, first.position, str("non executable command in pipeline stage ", i + 1));
      }
    }
    for (const std::string& variable : pipe->assigns ? std::vector<std::string>() : pipe->variables) {
      variables_.push_back(variable);
    }
    return pipe;
  }

  void declarations(Pipe& pipe, size_t max_variables) {
    size_t n = 0;  // tokens before the sign
    while (peek(n).kind == Kind::kVariable && peek(n + 1).kind == Kind::kComma && n < 2 * max_variables) n += 2;
    const Kind sign = peek(n + 1).kind;
    if (peek(n).kind != Kind::kVariable || (sign != Kind::kDeclare && sign != Kind::kAssign)) return;
    if (n / 2 + 1 > max_variables) refuse_at(peek(), "too many declarations");
    for (size_t i = 0; i <= n; i += 2) pipe.variables.push_back(peek(i).text);
    pipe.assigns = sign == Kind::kAssign;
    if (pipe.assigns) {
      for (const std::string& variable : pipe.variables) check_variable(variable, pipe.position);
    }
    for (size_t i = 0; i < n + 2; ++i) take();
  }

  void check_variable(const std::string& variable, Position position) const {
    if (std::ranges::find(variables_, variable) == variables_.end()) {
      refuse(name_, position, str("undefined variable \"", variable, "\""));
    }
  }

  Command command(std::string_view where) {
    Command command;
    for (;;) {
      const Kind kind = peek().kind;
      if (kind == Kind::kRight || kind == Kind::kRightParen || kind == Kind::kPipe) break;
      if (!command.operands.empty() && !peek().space_before) unexpected(peek(), "operand");
      command.operands.push_back(operand(where));
    }
    if (command.operands.empty()) refuse_at(peek(), "empty command");
    return command;
  }

  Operand operand(std::string_view where) {
    const Token& token = take();
    Operand operand{.position = token.position};
    bool takes_fields = true;
    switch (token.kind) {
      case Kind::kDot:
        takes_fields = false;
        break;
      case Kind::kField:
        add_field(operand, token.text);
        break;
      case Kind::kVariable:
        check_variable(token.text, token.position);
        operand.kind = Operand::Kind::kVariable;
        operand.name = token.text;
        break;
      case Kind::kIdentifier:
        takes_fields = word(operand, token);
        break;
      case Kind::kLeftParen: {
        const Level level(*this, token.position);
        operand.kind = Operand::Kind::kPipe;
        operand.pipe = pipe("parenthesized pipeline", Kind::kRightParen, 0);
        break;
      }
      case Kind::kString:
      case Kind::kNumber:
      case Kind::kCharacter:
        operand.kind = Operand::Kind::kConstant;
        operand.constant = constant(token);
        takes_fields = false;
        break;
      default:
        unexpected(token, where);
    }
    while (peek().kind == Kind::kField && !peek().space_before) {
      if (!takes_fields) refuse_at(peek(), "unexpected . after a term that has no fields");
      add_field(operand, take().text);
    }
    return operand;
  }

  // A constant or a function by its name. False: it has no fields.
  bool word(Operand& operand, const Token& token) {
    if (token.text == "nil") {
      operand.kind = Operand::Kind::kNil;
      return false;
    }
    if (token.text == "true" || token.text == "false") {
      operand.kind = Operand::Kind::kConstant;
      operand.constant = token.text == "true";
      return false;
    }
    if (find_function(token.text) == nullptr) refuse_at(token, str("function \"", token.text, "\" not defined"));
    operand.kind = Operand::Kind::kFunction;
    operand.name = token.text;
    return true;
  }

  void add_field(Operand& operand, const std::string& name) {
    operand.fields.push_back(name);
    tree_.names.insert(lower(name));
  }

  [[nodiscard]] Value constant(const Token& token) const {
    if (token.kind == Kind::kString) return token.text;
    if (const auto whole = whole_number(token.text)) return *whole;
    if (const auto number = floating_number(token.text)) return *number;
    refuse_at(token, str("bad number syntax: \"", token.text, "\""));
  }

  std::string_view name_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  Tree tree_;
  std::vector<std::string> variables_ = {"$"};
  uint32_t n_nodes_ = 0;
  int n_ranges_ = 0;
  int depth_ = 0;
};

bool prints_response(const Pipe& pipe) {
  return std::ranges::any_of(pipe.commands, [](const Command& command) {
    return std::ranges::any_of(command.operands, [](const Operand& operand) {
      const bool is_field =
          operand.kind == Operand::Kind::kDot && std::ranges::find(operand.fields, "Response") != operand.fields.end();
      return is_field || (operand.kind == Operand::Kind::kPipe && prints_response(*operand.pipe));
    });
  });
}

}  // namespace

Tree parse(std::string_view source, std::string_view name) { return Parser(source, name).run(); }

uint32_t first_response(const Nodes& nodes) {
  for (const Node& node : nodes) {
    if (node.kind == Node::Kind::kAction && prints_response(*node.pipe)) return node.order;
    for (const Nodes* inner : {&node.body, &node.otherwise}) {
      if (const uint32_t order = first_response(*inner); order != UINT32_MAX) return order;
    }
  }
  return UINT32_MAX;
}

}  // namespace kinglet::text::go
