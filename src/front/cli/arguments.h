// Options and arguments of a command, declared once: parsing, help, completion and the manual read the same rows.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::cli {

/// A row as people see it.
struct ArgumentRow {
  std::string names;         ///< "-p, --prompt"; of an argument its name: "MODEL".
  std::string value;         ///< What an option takes: "N". Empty for a flag.
  std::string help;          ///< One sentence without a period, or several.
  bool is_argument = false;  ///< Known by its place.
  bool is_required = false;
  bool repeats = false;  ///< An argument that takes all that follow, an option that may be given several times.
  std::vector<std::string> choices = {};  ///< The only values that are taken; empty: any.
  bool is_file = false;                   ///< For completion.
  bool is_model = false;
};

/// Collects rows with the places where values go, then parses. Variables outlive it.
class Arguments {
 public:
  /// `names` as "-j,--json".
  ArgumentRow& flag(std::string_view names, bool& into, std::string_view help);
  ArgumentRow& option(std::string_view names, std::string_view value, std::string& into, std::string_view help);
  ArgumentRow& option(std::string_view names, std::string_view value, std::optional<std::string>& into,
                      std::string_view help);
  /// May be given several times.
  ArgumentRow& option(std::string_view names, std::string_view value, std::vector<std::string>& into,
                      std::string_view help);
  ArgumentRow& option(std::string_view names, std::string_view value, uint64_t& into, std::string_view help);
  ArgumentRow& option(std::string_view names, std::string_view value, std::optional<uint64_t>& into,
                      std::string_view help);
  ArgumentRow& option(std::string_view names, std::string_view value, std::optional<double>& into,
                      std::string_view help);
  /// A list with commas: "1,4".
  ArgumentRow& option(std::string_view names, std::string_view value, std::vector<uint64_t>& into,
                      std::string_view help);

  /// Arguments known by their places, in the order of these calls.
  ArgumentRow& argument(std::string_view name, std::string& into, std::string_view help);
  ArgumentRow& optional_argument(std::string_view name, std::optional<std::string>& into, std::string_view help);
  /// All that follow.
  ArgumentRow& rest(std::string_view name, std::vector<std::string>& into, std::string_view help);

  /// Fills the variables. `command` is for messages. Throws Error{kInvalidArgument} that names the option and what is
  /// wrong with it.
  void parse(std::span<const std::string> words, std::string_view command);

  [[nodiscard]] const std::vector<ArgumentRow>& rows() const noexcept { return rows_; }
  /// "MODEL [PROMPT...]".
  [[nodiscard]] std::string usage() const;

 private:
  using Take = std::function<void(std::string_view name, const std::string& text)>;
  ArgumentRow& add(ArgumentRow row, Take take);
  void check_values(std::span<const std::string> words) const;
  void take(size_t row_idx, const std::string& text);

  std::vector<ArgumentRow> rows_;
  std::vector<Take> takes_;
};

/// The first long name of a row's names, or the only one: "--prompt".
std::string long_name(const ArgumentRow& row);

/// A whole number in decimal. Throws Error{kInvalidArgument} "NAME: TEXT is not a whole number".
uint64_t parse_count(std::string_view name, std::string_view text);

}  // namespace kinglet::cli
