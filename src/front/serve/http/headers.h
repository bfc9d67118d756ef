// Header fields in the order in which they came.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::serve::http {

class Headers {
 public:
  struct Field {
    std::string name;
    std::string value;  ///< Without the spaces around it.
  };

  void add(std::string name, std::string value);

  /// The value of the first field of this name, in whatever case; nullopt: there is none.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  /// How many fields have this name.
  [[nodiscard]] size_t count(std::string_view name) const noexcept;
  /// Whether a list separated by commas, in all fields of this name, has this word, in whatever case.
  [[nodiscard]] bool lists(std::string_view name, std::string_view word) const noexcept;

  [[nodiscard]] size_t size() const noexcept { return fields_.size(); }
  [[nodiscard]] auto begin() const noexcept { return fields_.begin(); }
  [[nodiscard]] auto end() const noexcept { return fields_.end(); }

 private:
  std::vector<Field> fields_;
};

/// Whether two words of ASCII are the same but for the case of letters.
[[nodiscard]] bool same_word(std::string_view a, std::string_view b) noexcept;
/// In small letters.
[[nodiscard]] std::string lowered(std::string_view text);
/// Without spaces and tabs at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;
/// Whether the text may be a method, the name of a field and the like (`token` of RFC 9110, section 5.6.2).
[[nodiscard]] bool is_token(std::string_view text) noexcept;
/// Whether the text may be the value of a field: no control bytes but tabs.
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;

}  // namespace kinglet::serve::http
