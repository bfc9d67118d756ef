// Where words end, for the pre-tokenizers that most models use. Internal to model/text.
//
// What pattern/automaton.h does for any pattern, by hand for these, and what patterns of that kind cannot say: groups
// of digits that are counted from the right.
#pragma once

#include <cstddef>
#include <string_view>

namespace kinglet::text {

// Each: at < text.size(), at < result <= text.size(). Bytes that are no UTF-8 are characters without class.

/// GPT-2: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
size_t gpt2_word(std::string_view text, size_t at) noexcept;
/// Llama 3:
/// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t llama3_word(std::string_view text, size_t at) noexcept;
/// Qwen 2: the same with \p{N} one by one.
size_t qwen2_word(std::string_view text, size_t at) noexcept;
/// \p{N}, the text between them whole.
size_t each_number(std::string_view text, size_t at) noexcept;
/// \p{N}+, the text between them whole.
size_t number_run(std::string_view text, size_t at) noexcept;
/// [0-9][0-9][0-9], what does not fill three stays together.
size_t three_digits(std::string_view text, size_t at) noexcept;
/// [\p{P}\$\+<=>\^~\|]+, the text between them whole.
size_t punctuation_run(std::string_view text, size_t at) noexcept;
/// The same with ` (Falcon).
size_t falcon_punctuation_run(std::string_view text, size_t at) noexcept;
/// \s+$: white space at the end; the text before it whole.
size_t spaces_at_end(std::string_view text, size_t at) noexcept;
/// Runs of ASCII digits, the text between them whole; with digits_from_right, which cuts such a run into threes from
/// its end.
size_t digit_run(std::string_view text, size_t at) noexcept;
/// Likewise, runs that no letter, mark or _ follows (\b).
size_t digit_run_at_border(std::string_view text, size_t at) noexcept;
size_t digits_from_right(std::string_view text, size_t at) noexcept;

}  // namespace kinglet::text
