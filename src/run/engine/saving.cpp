// Saving a beginning of a text to a file and loading it. The caller's thread reads and writes the file, and the pages,
// while the loop goes on: it lends it a place with the pages, which nobody else changes meanwhile.
#include <algorithm>
#include <cstring>
#include <utility>

#include "run/engine/caught.h"
#include "run/engine/engine.h"
#include "run/engine/fingerprint.h"
#include "run/engine/tokens.h"

namespace kinglet::engine {

using kernels::kPageTokens;

// What a caller's thread wants of the loop.
struct Engine::Loan {
  enum class Stage : uint8_t { kWanted, kLent, kReturned, kOver };
  std::span<const int32_t> tokens;
  Context context;
  bool is_empty = false;  // its pages are to be filled
  Stage stage = Stage::kWanted;
  bool is_filled = false;
  std::optional<PagedMemory> memory = std::nullopt;
  size_t variant = 0;
  std::optional<Error> error = std::nullopt;
};

// Calls use(memory) in this thread.
void Engine::borrow(Loan& loan, const std::function<void(PagedMemory&)>& use) {
  {
    MutexLock lock(mutex_);
    loans_.push_back(&loan);
    wake_.notify_one();
    while (loan.stage == Loan::Stage::kWanted) returned_.wait(mutex_);
    if (loan.error) throw Error(*loan.error);
  }
  const auto give_back = [&] {
    MutexLock lock(mutex_);
    loan.stage = Loan::Stage::kReturned;
    wake_.notify_one();
    while (loan.stage != Loan::Stage::kOver) returned_.wait(mutex_);
  };
  try {
    use(*loan.memory);
  } catch (...) {
    give_back();
    throw;
  }
  loan.is_filled = loan.is_empty;
  give_back();
}

bool Engine::has_loans_to_serve() const {
  return std::ranges::any_of(loans_, [&](const Loan* loan) {
    return loan->stage == Loan::Stage::kReturned || (loan->stage == Loan::Stage::kWanted && has_place());
  });
}

// By the loop's thread.
void Engine::serve_loans() {
  MutexLock lock(mutex_);
  if (loans_.empty()) return;
  for (Loan* loan : loans_) {
    if (loan->stage == Loan::Stage::kWanted && has_place()) {
      try {
        loan->variant = context_of(loan->context);
        const auto known = loan->is_empty ? std::span<const int32_t>() : loan->tokens;
        loan->memory.emplace(pools_, prefixes_, loan->variant, known, loan->tokens.size());
        if (loan->is_empty) loan->memory->begin_at(loan->tokens.size());
        loan->stage = Loan::Stage::kLent;
        ++n_lent_;
      } catch (...) {
        loan->memory.reset();
        loan->error = caught();
        loan->stage = Loan::Stage::kOver;
      }
    } else if (loan->stage == Loan::Stage::kReturned) {
      try {
        if (loan->is_filled) loan->memory->share(loan->variant, loan->tokens);
      } catch (const std::bad_alloc&) {
        // Not known, then: it is computed again.
      }
      loan->memory.reset();
      loan->stage = Loan::Stage::kOver;
      --n_lent_;
    }
  }
  std::erase_if(loans_, [](const Loan* loan) { return loan->stage == Loan::Stage::kOver; });
  returned_.notify_all();
}

SequenceMaker Engine::maker() const {
  return {fingerprint_of(*model_), std::string(table_.name), name_of(runner_.layout())};
}

size_t Engine::save(Request request, const std::string& path) {
  const std::vector<int32_t> tokens = request.prompt;
  request.log_probs = std::nullopt;
  request.prompt_log_probs = false;
  request.constraint = nullptr;
  const auto generation = submit(std::move(request));
  // With the first token all in front of it is known.
  for (Event event = generation->next(); !event.finish; event = generation->next()) generation->cancel();
  const size_t n_whole = tokens.size() / kPageTokens * kPageTokens;
  Loan loan{.tokens = std::span(tokens).first(n_whole), .context = context_for(generation->request())};
  size_t n_known = 0;
  borrow(loan, [&](PagedMemory& memory) {
    n_known = memory.n_known();
    const size_t n_pages = n_known / kPageTokens;
    SequenceImage image{.maker = maker(),
                        .adapters = loan.context.adapters,
                        .rope_variant = loan.context.rope_variant,
                        .tokens = tokens,
                        .n_known = n_known,
                        .pages = {},
                        .state = n_known == 0 ? std::span<const std::byte>() : memory.kept_state()};
    for (size_t g = 0; g < pools_.groups.size(); ++g) {
      auto& pages = image.pages.emplace_back();
      for (size_t i = first_page(pools_.layout.groups[g], n_pages); i < n_pages; ++i)
        pages.push_back(memory.page(g, i));
    }
    write_sequence(image, path);
  });
  return n_known;
}

LoadedSequence Engine::load(const std::string& path) {
  const SequenceFile file(path, maker(), runner_.layout());
  const SequenceImage& image = file.image();
  check_tokens(image.tokens, model_->config().vocab_size, str(path, ": "));
  if (image.tokens.size() > options_.context_len) {
    fail_with(ErrorCode::kContextFull, path, ": ", image.tokens.size(), " tokens are over the context of ",
              options_.context_len);
  }
  LoadedSequence loaded{.tokens = image.tokens, .n_known = image.n_known};
  loaded.adapters.resize(adapter_names_.size(), 0.0F);
  for (const UsedAdapter& adapter : image.adapters) {
    const auto place = std::ranges::find(adapter_names_, adapter.fingerprint);
    if (place == adapter_names_.end()) {
      fail_with(ErrorCode::kUnsupported, path, ": is of an adapter that is not loaded (", adapter.fingerprint, ")");
    }
    loaded.adapters[static_cast<size_t>(place - adapter_names_.begin())] = adapter.factor;
  }
  if (image.n_known == 0) return loaded;
  Loan loan{.tokens = std::span(image.tokens).first(image.n_known),
            .context = {.rope_variant = image.rope_variant, .adapters = image.adapters},
            .is_empty = true};
  borrow(loan, [&](PagedMemory& memory) {
    const size_t n_pages = image.n_known / kPageTokens;
    for (size_t g = 0; g < image.pages.size(); ++g) {
      const size_t first = first_page(pools_.layout.groups[g], n_pages);
      for (size_t i = first; i < n_pages; ++i) std::ranges::copy(image.pages[g][i - first], memory.page(g, i).begin());
    }
    std::ranges::copy(image.state, memory.kept_state().begin());
  });
  return loaded;
}

}  // namespace kinglet::engine
