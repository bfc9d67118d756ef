#include "model/grammar/schema/document.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "core/base/base.h"
#include "model/grammar/numbers.h"

namespace kinglet::grammar {
namespace {

using system::Json;

Draft draft_of(const Json& schema) {
  const Json* uri = schema.find("$schema");
  if (uri == nullptr || !uri->is_string()) return Draft::k2020;
  const std::string& text = uri->as_string("$schema");
  if (text.find("draft-03") != std::string::npos || text.find("draft-04") != std::string::npos) return Draft::k4;
  if (text.find("draft-06") != std::string::npos) return Draft::k6;
  if (text.find("draft-07") != std::string::npos) return Draft::k7;
  if (text.find("2019-09") != std::string::npos) return Draft::k2019;
  return Draft::k2020;
}

size_t scheme_end(std::string_view uri) {
  const size_t colon = uri.find(':');
  return colon == std::string_view::npos || uri.find_first_of("/?#") < colon ? std::string_view::npos : colon;
}

// A reference as seen from a base (RFC 3986, section 5.2).
std::string resolved_uri(std::string_view base, std::string_view reference) {
  if (scheme_end(reference) != std::string_view::npos) return std::string(reference);
  base = base.substr(0, base.find('#'));
  if (reference.empty() || reference.front() == '#') return str(base, reference);
  const size_t scheme = scheme_end(base);
  const size_t behind_scheme = scheme == std::string_view::npos ? 0 : scheme + 1;
  if (reference.starts_with("//")) return str(base.substr(0, behind_scheme), reference);
  size_t path = behind_scheme;
  if (base.substr(path).starts_with("//")) path = std::min(base.find('/', path + 2), base.size());
  if (reference.front() == '/') return str(base.substr(0, path), reference);
  const std::string_view old_path = base.substr(path);
  const size_t slash = old_path.rfind('/');
  const std::string_view folder = slash == std::string_view::npos ? "" : old_path.substr(0, slash + 1);
  std::string joined = str(folder.empty() && path > behind_scheme ? "/" : folder, reference);
  for (size_t at = joined.find("./"); at != std::string::npos; at = joined.find("./", at)) {
    if (at == 0 || joined[at - 1] == '/') {
      joined.erase(at, 2);
    } else if (joined[at - 1] == '.' && at >= 2 && joined[at - 2] == '/') {
      const size_t above = at >= 3 ? joined.rfind('/', at - 3) : std::string::npos;
      const size_t from = above == std::string::npos ? 0 : above + 1;
      joined.erase(from, at + 2 - from);
      at = from;
    } else {
      ++at;
    }
  }
  return str(base.substr(0, path), joined);
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2])) {
      decoded += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

const Json* element(const Json& of, const std::string& key) {
  if (of.is_object()) return of.find(key);
  if (!of.is_array() || key.empty() || key.size() > 9 || key.find_first_not_of("0123456789") != std::string::npos)
    return nullptr;
  const auto& list = of.as_array("array");
  const auto i = static_cast<size_t>(std::stoul(key));
  return i < list.size() ? &list[i] : nullptr;
}

const Json* at_pointer(const Json& root, std::string_view pointer) {
  const Json* at = &root;
  while (!pointer.empty() && at != nullptr) {
    pointer.remove_prefix(1);
    const size_t end = std::min(pointer.find('/'), pointer.size());
    std::string key;
    for (size_t i = 0; i < end; ++i) {
      const bool is_escape = pointer[i] == '~' && i + 1 < end && (pointer[i + 1] == '0' || pointer[i + 1] == '1');
      key += !is_escape ? pointer[i] : pointer[++i] == '0' ? '~' : '/';
    }
    at = element(*at, key);
    pointer.remove_prefix(end);
  }
  return at;
}

bool equal_objects(const Json& a, const Json& b) {
  const auto& members = a.as_object("object");
  if (members.size() != b.as_object("object").size()) return false;
  return std::all_of(members.begin(), members.end(), [&](const auto& member) {
    const Json* other = b.find(member.first);
    return other != nullptr && equal_values(member.second, *other);
  });
}

}  // namespace

bool equal_values(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is_integer() && b.is_integer()) return a.dump() == b.dump();
    return a.as_number("number") == b.as_number("number");
  }
  if (a.is_object() && b.is_object()) return equal_objects(a, b);
  if (a.is_array() && b.is_array()) {
    const auto& x = a.as_array("array");
    const auto& y = b.as_array("array");
    return x.size() == y.size() && std::equal(x.begin(), x.end(), y.begin(), equal_values);
  }
  if (a.is_string() && b.is_string()) return a.as_string("string") == b.as_string("string");
  if (a.is_bool() && b.is_bool()) return a.as_bool("boolean") == b.as_bool("boolean");
  return a.is_null() && b.is_null();
}

SchemaDocument::SchemaDocument(const Json& schema) : root_(schema), draft_(draft_of(schema)) {
  if (!schema.is_object() && !schema.is_bool()) {
    fail_with(ErrorCode::kInvalidArgument, "schema: is ", schema.kind(), ", expected an object or a boolean");
  }
  const auto [root, is_new] = resources_.emplace("", &schema);
  index(schema, nullptr, "", &root->first, Role::kSchema);
}

SchemaDocument::Role SchemaDocument::role_of(std::string_view keyword, const Json& value) {
  for (const std::string_view known :
       {"properties", "patternProperties", "definitions", "$defs", "dependentSchemas", "dependencies"}) {
    if (keyword == known && value.is_object()) return Role::kNamedSchemas;
  }
  for (const std::string_view known :
       {"items", "prefixItems", "additionalItems", "contains", "unevaluatedItems", "additionalProperties",
        "propertyNames", "unevaluatedProperties", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"}) {
    if (keyword == known) return Role::kSchema;
  }
  return Role::kData;
}

void SchemaDocument::index(const Json& part, const Json* parent, std::string key, const std::string* base, Role role) {
  if (places_.size() >= kMaxParts)
    fail_with(ErrorCode::kInvalidArgument, "schema: more than ", kMaxParts, " values (limit of a schema)");
  if (part.is_object() && role == Role::kSchema) {
    const bool hides_siblings = draft_ <= Draft::k7 && part.find("$ref") != nullptr;
    const Json* id = part.find(draft_ == Draft::k4 ? "id" : "$id");
    if (id != nullptr && id->is_string() && !hides_siblings) {
      const std::string uri = resolved_uri(*base, id->as_string("$id"));
      const size_t hash = std::min(uri.find('#'), uri.size());
      if (hash + 1 < uri.size()) {
        anchors_.emplace(uri, &part);
      } else {
        base = &resources_.emplace(uri.substr(0, hash), &part).first->first;
      }
    }
    for (const std::string_view word : {"$anchor", "$dynamicAnchor"}) {
      if (const Json* anchor = part.find(word); anchor != nullptr && anchor->is_string())
        anchors_.emplace(str(*base, "#", anchor->as_string(word)), &part);
    }
  }
  places_.emplace(&part, Place{parent, std::move(key), base});
  if (part.is_object()) {
    for (const auto& [name, value] : part.as_object("schema")) {
      // Of an object of named schemas all are schemas; within a keyword that is not known nothing is.
      const Role inner = role == Role::kNamedSchemas ? Role::kSchema
                         : role == Role::kSchema     ? role_of(name, value)
                                                     : Role::kData;
      index(value, &part, name, base, inner);
    }
  } else if (part.is_array()) {
    size_t i = 0;
    for (const Json& value : part.as_array("schema")) index(value, &part, str(i++), base, role);
  }
}

std::string SchemaDocument::pointer_of(const Json& part) const {
  std::string pointer;
  for (const Json* at = &part; at != nullptr;) {
    const auto place = places_.find(at);
    if (place == places_.end() || place->second.parent == nullptr) break;
    std::string key;
    for (const char c : place->second.key) {
      if (c == '~') {
        key += "~0";
      } else if (c == '/') {
        key += "~1";
      } else {
        key += c;
      }
    }
    pointer = str("/", key, pointer);
    at = place->second.parent;
  }
  return str("#", pointer);
}

const Json& SchemaDocument::resolve(const Json& from, std::string_view reference) const {
  const auto place = places_.find(&from);
  const std::string base = place == places_.end() ? "" : *place->second.base;
  const std::string uri = resolved_uri(base, reference);
  const size_t hash = std::min(uri.find('#'), uri.size());
  const std::string fragment = percent_decoded(std::string_view(uri).substr(std::min(hash + 1, uri.size())));
  const Json* found = nullptr;
  if (fragment.empty() || fragment.front() == '/') {
    const auto resource = resources_.find(uri.substr(0, hash));
    if (resource != resources_.end()) found = at_pointer(*resource->second, fragment);
  } else if (const auto anchor = anchors_.find(uri); anchor != anchors_.end()) {
    found = anchor->second;
  }
  if (found == nullptr) {
    fail_with(ErrorCode::kUnsupported, "schema: ", pointer_of(from), "/$ref: ", reference,
              " is not in this document, which is not supported");
  }
  return *found;
}

}  // namespace kinglet::grammar
