// Counts what a test program takes from the heap: replaces its operator new. Included by one source of the program.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace kinglet::counted {

inline std::atomic<size_t> n_allocations{0};
inline std::atomic<size_t> live_bytes{0};
inline std::atomic<size_t> peak_bytes{0};  // the most since it was set
/// There is no memory any more, but for threads that say `is_spared`.
inline std::atomic<bool> is_exhausted{false};
inline thread_local bool is_spared = false;

// In front of the memory stands its size.
constexpr size_t kHeader = 2 * sizeof(std::max_align_t);

inline void* take(size_t n, size_t alignment = kHeader) noexcept {
  if (is_exhausted.load(std::memory_order_relaxed) && !is_spared) return nullptr;
  const size_t before = std::max(alignment, kHeader);
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(before, before + (n + before - 1) / before * before));
  if (memory == nullptr) return nullptr;
  *reinterpret_cast<size_t*>(memory + before - kHeader) = n;
  n_allocations.fetch_add(1, std::memory_order_relaxed);
  const size_t live = live_bytes.fetch_add(n) + n;
  size_t peak = peak_bytes.load();
  while (live > peak && !peak_bytes.compare_exchange_weak(peak, live)) {
  }
  return memory + before;
}

inline void* take_or_throw(size_t n, size_t alignment = kHeader) {
  void* memory = take(n, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

inline void give_back(void* pointer, size_t alignment = kHeader) noexcept {
  if (pointer == nullptr) return;
  std::byte* memory = static_cast<std::byte*>(pointer);
  live_bytes.fetch_sub(*reinterpret_cast<size_t*>(memory - kHeader));
  std::free(memory - std::max(alignment, kHeader));
}

}  // namespace kinglet::counted

// Not inlined: the compiler would see the memory's source behind new and delete, and warn that they do not match.
[[gnu::noinline]] void* operator new(size_t n) { return kinglet::counted::take_or_throw(n); }
[[gnu::noinline]] void* operator new[](size_t n) { return kinglet::counted::take_or_throw(n); }
[[gnu::noinline]] void* operator new(size_t n, std::align_val_t alignment) {
  return kinglet::counted::take_or_throw(n, static_cast<size_t>(alignment));
}
[[gnu::noinline]] void* operator new[](size_t n, std::align_val_t alignment) {
  return kinglet::counted::take_or_throw(n, static_cast<size_t>(alignment));
}
[[gnu::noinline]] void* operator new(size_t n, const std::nothrow_t&) noexcept { return kinglet::counted::take(n); }
[[gnu::noinline]] void* operator new[](size_t n, const std::nothrow_t&) noexcept { return kinglet::counted::take(n); }
[[gnu::noinline]] void operator delete(void* pointer) noexcept { kinglet::counted::give_back(pointer); }
[[gnu::noinline]] void operator delete[](void* pointer) noexcept { kinglet::counted::give_back(pointer); }
[[gnu::noinline]] void operator delete(void* pointer, size_t) noexcept { kinglet::counted::give_back(pointer); }
[[gnu::noinline]] void operator delete[](void* pointer, size_t) noexcept { kinglet::counted::give_back(pointer); }
[[gnu::noinline]] void operator delete(void* pointer, const std::nothrow_t&) noexcept {
  kinglet::counted::give_back(pointer);
}
[[gnu::noinline]] void operator delete[](void* pointer, const std::nothrow_t&) noexcept {
  kinglet::counted::give_back(pointer);
}
[[gnu::noinline]] void operator delete(void* pointer, std::align_val_t alignment) noexcept {
  kinglet::counted::give_back(pointer, static_cast<size_t>(alignment));
}
[[gnu::noinline]] void operator delete[](void* pointer, std::align_val_t alignment) noexcept {
  kinglet::counted::give_back(pointer, static_cast<size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* pointer, size_t, std::align_val_t alignment) noexcept {
  kinglet::counted::give_back(pointer, static_cast<size_t>(alignment));
}
[[gnu::noinline]] void operator delete[](void* pointer, size_t, std::align_val_t alignment) noexcept {
  kinglet::counted::give_back(pointer, static_cast<size_t>(alignment));
}
