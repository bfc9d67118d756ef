// Whether this build runs under a sanitizer: tests that take its time do less there, and say what they leave out.
#pragma once

namespace kinglet {

#if defined(__has_feature)
#define KINGLET_HAS_FEATURE(x) __has_feature(x)
#else
#define KINGLET_HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || KINGLET_HAS_FEATURE(address_sanitizer) || \
    KINGLET_HAS_FEATURE(thread_sanitizer)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif
#undef KINGLET_HAS_FEATURE

}  // namespace kinglet
