// POST /tokenize and /detokenize (as llama-server has them).
#include "front/serve/api/routes.h"
#include "front/serve/model_use.h"
#include "model/text/utf8.h"

namespace kinglet::serve {
namespace {

struct Request {
  std::optional<std::string> model;
  std::string content;
  bool add_special = false;
  bool parse_special = true;
  bool with_pieces = false;

  static const Fields<Request>& fields() {
    static const Fields<Request> kFields(
        field("model", &Request::model).doc("A name; the one that is loaded where there is one alone."),
        field("content", &Request::content).required().doc("The text."),
        field("add_special", &Request::add_special).doc("Add what the model's rule puts around a text."),
        field("parse_special", &Request::parse_special).doc("Read spellings of control tokens as these tokens."),
        field("with_pieces", &Request::with_pieces).doc("Say the text of each token, too."));
    return kFields;
  }
};

struct BackRequest {
  std::optional<std::string> model;
  std::vector<int64_t> tokens;

  static const Fields<BackRequest>& fields() {
    static const Fields<BackRequest> kFields(
        field("model", &BackRequest::model).doc("A name; the one that is loaded where there is one alone."),
        field("tokens", &BackRequest::tokens).required().doc("Token ids."));
    return kFields;
  }
};

// Bytes that are no text alone come as numbers, as a token may be a part of a character.
Json piece_of(const text::Tokenizer& words, int32_t id) {
  const std::string bytes = words.bytes_of(id, true);
  if (text::find_invalid_utf8(bytes) == std::string::npos) return bytes;
  JsonArray numbers;
  for (const char c : bytes) numbers.emplace_back(static_cast<int>(static_cast<unsigned char>(c)));
  return numbers;
}

http::Response there(const Request& request, RequestContext& context) {
  const ModelUse use = use_model(context, request.model ? *request.model : only_model(context));
  const text::Tokenizer& words = use.model->words();
  const std::vector<int32_t> ids =
      words.encode(request.content, {.special = request.parse_special, .bos = request.add_special});
  JsonArray tokens;
  for (const int32_t id : ids) {
    if (request.with_pieces) {
      tokens.push_back(JsonObject{{"id", id}, {"piece", piece_of(words, id)}});
    } else {
      tokens.emplace_back(id);
    }
  }
  return json_response(JsonObject{{"tokens", std::move(tokens)}});
}

http::Response back(const BackRequest& request, RequestContext& context) {
  const ModelUse use = use_model(context, request.model ? *request.model : only_model(context));
  const text::Tokenizer& words = use.model->words();
  std::vector<int32_t> ids;
  for (const int64_t id : request.tokens) {
    const std::string path = str("tokens[", ids.size(), "]");
    check_range(path, static_cast<double>(id), 0, static_cast<double>(words.vocab_size()) - 1);
    ids.push_back(static_cast<int32_t>(id));
  }
  return json_response(JsonObject{{"content", words.decode(ids)}});
}

}  // namespace

Endpoint tokenize() {
  return json_endpoint<Request>("POST", "/tokenize", Dialect::kOpenAi, "A text as token ids.", there);
}

Endpoint detokenize() {
  return json_endpoint<BackRequest>("POST", "/detokenize", Dialect::kOpenAi, "Token ids as text.", back);
}

}  // namespace kinglet::serve
