// POST /v1/embeddings (OpenAI).
#include "front/serve/api/routes.h"
#include "front/serve/dialects/openai.h"
#include "front/serve/dialects/vectors.h"
#include "home/system/base64.h"

namespace kinglet::serve {
namespace {

struct Request {
  std::string model;
  Json input;
  std::string encoding_format = "float";
  int64_t dimensions = 0;
  bool truncate = false;

  static const Fields<Request>& fields() {
    static const Fields<Request> kFields(
        field("model", &Request::model).required().doc("A name from GET /v1/models."),
        field("input", &Request::input)
            .required()
            .doc("A text, texts, token ids, or arrays of token ids; 2048 at most."),
        field("encoding_format", &Request::encoding_format)
            .choices({"float", "base64"})
            .doc("base64: the bytes of 32-bit floats, lowest byte first."),
        field("dimensions", &Request::dimensions).range(1, 1e9).doc("So many of a vector's first numbers."),
        field("truncate", &Request::truncate).doc("Cut texts that are longer than the context. Ours."),
        without_effect<Request>("user", "Who asks."));
    return kFields;
  }
};

std::vector<VectorInput> inputs_of(const Json& input, size_t vocab_size) {
  constexpr size_t kMaxInputs = 2048;
  if (input.is_string()) return {{input.as_string("input")}};
  if (!input.is_array()) fail_kind("input", input, "a string or an array");
  const JsonArray& values = input.as_array("input");
  check_length("input", values.size(), 1, kMaxInputs);
  if (values.front().is_number()) return {{"", openai::ids_of(input, "input", vocab_size)}};
  std::vector<VectorInput> made;
  for (const Json& one : values) {
    const std::string path = str("input[", made.size(), "]");
    if (one.is_array()) {
      made.push_back({"", openai::ids_of(one, path, vocab_size)});
      if (made.back().ids.empty()) throw ApiError(400, path + ": is empty", path);
    } else {
      made.push_back({Value<std::string>::read(one, path)});
    }
  }
  return made;
}

http::Response handle(const Request& request, RequestContext& context) {
  const ModelUse use = use_model(context, request.model);
  const std::vector<VectorInput> inputs = inputs_of(request.input, use.model->model().config().vocab_size);
  const Vectors vectors = vectors_of(*use.model, inputs, request.truncate, request.dimensions);
  JsonArray data;
  for (const std::vector<float>& row : vectors.rows) {
    Json embedding;
    if (request.encoding_format == "base64") {
      embedding = system::base64(std::as_bytes(std::span(row)));
    } else {
      JsonArray numbers;
      for (const float x : row) numbers.emplace_back(x);
      embedding = std::move(numbers);
    }
    data.push_back(JsonObject{{"object", "embedding"}, {"index", data.size()}, {"embedding", std::move(embedding)}});
  }
  return json_response(
      JsonObject{{"object", "list"},
                 {"data", std::move(data)},
                 {"model", request.model},
                 {"usage", JsonObject{{"prompt_tokens", vectors.n_tokens}, {"total_tokens", vectors.n_tokens}}}});
}

}  // namespace

Endpoint openai_embeddings() {
  return json_endpoint<Request>("POST", "/v1/embeddings", Dialect::kOpenAi, "Vectors of texts.", handle);
}

}  // namespace kinglet::serve
