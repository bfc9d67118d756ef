// POST /v1/rerank (the form of Jina and Cohere).
#include <numeric>

#include "front/serve/api/routes.h"
#include "front/serve/model_use.h"

namespace kinglet::serve {
namespace {

struct Request {
  std::string model;
  std::string query;
  Json documents;
  int64_t top_n = 0;
  bool return_documents = false;

  static const Fields<Request>& fields() {
    static const Fields<Request> kFields(
        field("model", &Request::model).required().doc("A model that ranks."),
        field("query", &Request::query).required().doc("What documents should answer."),
        field("documents", &Request::documents).required().doc("Texts, or objects with a text; 2048 at most."),
        field("top_n", &Request::top_n).range(1, 1e9).doc("So many of the best; all where it is not said."),
        field("return_documents", &Request::return_documents).doc("Say the documents, too."),
        without_effect<Request>("max_chunks_per_doc", "Documents are never cut."),
        without_effect<Request>("max_tokens_per_doc", "Documents are never cut."));
    return kFields;
  }
};

std::vector<std::string> texts_of(const Json& documents) {
  constexpr size_t kMaxDocuments = 2048;
  if (!documents.is_array()) fail_kind("documents", documents, "an array");
  check_length("documents", documents.as_array("documents").size(), 1, kMaxDocuments);
  std::vector<std::string> texts;
  for (const Json& one : documents.as_array("documents")) {
    const std::string path = str("documents[", texts.size(), "]");
    const Json* text = one.is_object() ? one.find("text") : &one;
    if (text == nullptr) fail_missing(path + ".text");
    texts.push_back(Value<std::string>::read(*text, path));
  }
  return texts;
}

http::Response handle(const Request& request, RequestContext& context) {
  const std::vector<std::string> texts = texts_of(request.documents);
  const ModelUse use = use_model(context, request.model);
  std::vector<engine::TypedTokens> pairs;
  size_t n_tokens = 0;
  for (const std::string& text : texts) {
    pairs.push_back(use.model->pair_ids(request.query, text, str("documents[", pairs.size(), "]")));
    n_tokens += pairs.back().ids.size();
  }
  std::vector<float> scores(texts.size());
  use.model->rank(pairs, [&](size_t i, float score) { scores[i] = score; });
  std::vector<size_t> order(texts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  if (request.top_n > 0 && static_cast<uint64_t>(request.top_n) < order.size())
    order.resize(static_cast<size_t>(request.top_n));
  JsonArray results;
  for (const size_t i : order) {
    Json one = JsonObject{{"index", i}, {"relevance_score", scores[i]}};
    if (request.return_documents) one.set("document", JsonObject{{"text", texts[i]}});
    results.push_back(std::move(one));
  }
  return json_response(JsonObject{{"model", request.model},
                                  {"object", "list"},
                                  {"results", std::move(results)},
                                  {"usage", JsonObject{{"prompt_tokens", n_tokens}, {"total_tokens", n_tokens}}}});
}

}  // namespace

Endpoint openai_rerank() {
  return json_endpoint<Request>("POST", "/v1/rerank", Dialect::kOpenAi, "Documents in the order of their use.", handle);
}

}  // namespace kinglet::serve
