#include "run/chat/model_host.h"

#include <algorithm>
#include <deque>
#include <map>
#include <new>
#include <set>
#include <thread>
#include <utility>

#include "core/base/mutex.h"
#include "home/system/folder.h"
#include "home/system/memory.h"
#include "run/chat/model_facts.h"

namespace kinglet::chat {
namespace {

using Clock = ModelHost::Clock;
using Duration = ModelHost::Duration;
using store::ModelName;

// Names count alike in small letters.
std::string id_of(const ModelName& name) {
  std::string id = name.full();
  for (char& c : id) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return id;
}

// Adapters by what they are: one that is written anew is another.
std::string fingerprint(const std::vector<models::Model::AdapterPath>& adapters) {
  std::string text;
  for (const auto& adapter : adapters) {
    text += str('\n', adapter.path, '*', adapter.factor);
    for (const std::string_view file : {"", "/adapter_model.safetensors"}) {
      if (const auto facts = system::facts_of(str(adapter.path, file)))
        text += str(' ', facts->size_bytes, ' ', facts->modified_s, ' ', facts->changed_s);
    }
  }
  return text;
}

// What a name has been bound to.
struct Binding {
  ModelName alias;
  ModelName target;
  LoadOverrides overrides = {};
  uint64_t version = 0;  // another one with each change; 0: not bound
};

// A request for a model, looked up.
struct Wanted {
  std::string name = {};    // as people write it
  std::string handle = {};  // the name and adapters that are asked for
  std::string key = {};     // what the model is made of
  ModelSource source = {};
  std::optional<uint64_t> context_len = {};
  std::string alias_id = {};
  uint64_t version = 0;  // of the binding that was looked up
};

enum class Stage : uint8_t { kWaiting, kLoading, kReady, kFailed };

// A model that is resident or on its way. Guarded by the mutex of the host, but for the model, which stays as it is
// from kReady on while somebody has a lease.
struct Slot {
  std::string key;
  ModelSource source;
  std::optional<uint64_t> context_len;  // that was asked for
  std::string name;                     // by which it was last asked for
  std::set<std::string> handles;        // that mean it
  Stage stage = Stage::kWaiting;
  std::unique_ptr<HostedModel> model;
  std::optional<Error> error;  // a copy for each who waits: an exception is not shared by threads
  MemoryUse reserved;
  size_t n_leases = 0;
  bool is_ordered = false;  // by load(), which nobody waits for
  bool leaves = false;      // as soon as nobody has it
  Duration keep_alive{0};
  Clock::time_point last_used = {};
  std::optional<Clock::time_point> expires;  // while nobody has it; empty: never
  std::string family;
  std::string quantization;
  uint64_t n_parameters = 0;

  [[nodiscard]] bool is_idle() const noexcept { return stage == Stage::kReady && n_leases == 0; }
  // Loaded or not, it is what is wanted, or will be: then whoever waited looks again.
  [[nodiscard]] bool serves(const Wanted& wanted) const {
    if (key != wanted.key || stage == Stage::kFailed) return false;
    if (stage != Stage::kReady || !model->capabilities().completion) return true;
    return wanted.context_len.value_or(model->default_context()) <= model->context_len();
  }
};

using SlotPtr = std::shared_ptr<Slot>;

}  // namespace

struct ModelHost::State : std::enable_shared_from_this<State> {
  State(Options the_options, const store::Store& the_store, const kernels::KernelTable& the_table, ThreadPool& the_pool)
      : options(the_options), store(the_store), table(the_table), pool(the_pool) {
    if (options.memory_budget == 0) {
      const uint64_t total = system::memory().total_bytes;
      options.memory_budget = total == 0 ? UINT64_MAX : total / 5 * 4;
    }
  }

  /// Given out with a model; its end gives the model back.
  struct Lease {
    Lease(std::shared_ptr<State> the_host, SlotPtr the_slot) : host(std::move(the_host)), slot(std::move(the_slot)) {}
    ~Lease() { host->give_back(*slot); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    std::shared_ptr<State> host;
    SlotPtr slot;
  };

  Wanted resolve(std::string_view name, const AcquireOptions& options);
  Wanted look_up(const ModelName& name, const ModelName& target, const LoadOverrides& overrides);
  std::shared_ptr<Lease> lease(const Wanted& wanted, const AcquireOptions& options, bool waits);
  std::shared_ptr<Lease> loaded(std::string_view name, const AcquireOptions& options);
  void wait(const Slot& slot, const AcquireOptions& options);
  void give_back(Slot& slot) noexcept;

  void load_loop();
  void load_one(const SlotPtr& slot);
  void make_room(Slot& slot, const MemoryUse& use);
  void keep_loop();

  SlotPtr find(const Wanted& wanted) const REQUIRES(mutex);
  uint64_t version_of(const std::string& alias_id) const REQUIRES(mutex);
  void move_handle(const std::string& handle, Slot& to) REQUIRES(mutex);
  void set_expiry(Slot& slot) REQUIRES(mutex);
  std::unique_ptr<HostedModel> take_out(const Slot& slot) REQUIRES(mutex);
  const Slot* idle_victim(const Slot& for_slot) const REQUIRES(mutex);

  Options options;
  const store::Store& store;
  const kernels::KernelTable& table;
  ThreadPool& pool;

  mutable Mutex mutex;
  Condition work;     // for the loader: there is something to load
  Condition changed;  // for those who wait: a slot is ready or has failed
  Condition timer;    // for the keeper: something expires, maybe earlier than before
  bool ending GUARDED_BY(mutex) = false;
  std::vector<SlotPtr> slots GUARDED_BY(mutex);
  std::deque<SlotPtr> queue GUARDED_BY(mutex);  // of kWaiting
  std::map<std::string, Binding> bindings GUARDED_BY(mutex);
  uint64_t last_version GUARDED_BY(mutex) = 0;
  std::thread loader;
  std::thread keeper;
};

// ---- Looking up

Wanted ModelHost::State::resolve(std::string_view name, const AcquireOptions& asked) {
  const ModelName parsed = ModelName::parse(name);
  const std::string id = id_of(parsed);
  Binding binding{.alias = parsed, .target = parsed, .overrides = {}};
  {
    MutexLock lock(mutex);
    if (const auto bound = bindings.find(id); bound != bindings.end()) binding = bound->second;
  }
  LoadOverrides overrides = asked.overrides;
  if (!overrides.context_len) overrides.context_len = binding.overrides.context_len;
  if (!overrides.adapters) overrides.adapters = binding.overrides.adapters;
  const std::string handle = str(id, '\n', asked.overrides.adapters ? fingerprint(*asked.overrides.adapters) : "");
  Wanted wanted;
  try {
    wanted = look_up(parsed, binding.target, overrides);
  } catch (const Error& error) {
    // What was loaded before its files were damaged or removed by hand is sound: the system keeps what is mapped.
    if (error.code() != ErrorCode::kInvalidFile) throw;
    MutexLock lock(mutex);
    const auto resident = std::ranges::find_if(
        slots, [&](const SlotPtr& slot) { return slot->stage == Stage::kReady && slot->handles.contains(handle); });
    if (resident == slots.end()) throw;
    wanted = {.name = parsed.to_string(), .key = (*resident)->key, .source = (*resident)->source};
  }
  wanted.handle = handle;
  wanted.alias_id = id;
  wanted.version = binding.version;
  return wanted;
}

Wanted ModelHost::State::look_up(const ModelName& name, const ModelName& target, const LoadOverrides& overrides) {
  auto stored = store.find(target);
  if (!stored) {
    std::string near;
    for (const std::string& other : store.near_names(target))
      near += str(near.empty() ? "; near it are " : ", ", other);
    fail_with(ErrorCode::kNotFound, target.to_string(), ": no such model here", near);
  }
  Wanted wanted{
      .name = name.to_string(), .source = source_of(std::move(*stored)), .context_len = overrides.context_len};
  if (overrides.adapters) {
    wanted.source.adapters.insert(wanted.source.adapters.end(), overrides.adapters->begin(), overrides.adapters->end());
  }
  wanted.key = str(wanted.source.stored.digest, '\n', wanted.source.path, '\n', fingerprint(wanted.source.adapters));
  return wanted;
}

SlotPtr ModelHost::State::find(const Wanted& wanted) const {
  SlotPtr best;
  for (const SlotPtr& slot : slots) {
    if (!slot->serves(wanted)) continue;
    if (best == nullptr || (slot->stage == Stage::kReady && best->stage != Stage::kReady)) best = slot;
  }
  return best;
}

uint64_t ModelHost::State::version_of(const std::string& alias_id) const {
  const auto bound = bindings.find(alias_id);
  return bound == bindings.end() ? 0 : bound->second.version;
}

// ---- Leases

std::shared_ptr<ModelHost::State::Lease> ModelHost::State::lease(const Wanted& wanted, const AcquireOptions& asked,
                                                                 bool waits) {
  MutexLock lock(mutex);
  if (ending) fail_with(ErrorCode::kCancelled, wanted.name, ": is not loaded any more, the host ends");
  SlotPtr slot = find(wanted);
  if (slot == nullptr) {
    slot = std::make_shared<Slot>();
    slot->key = wanted.key;
    slot->source = wanted.source;
    slot->context_len = wanted.context_len;
    slot->keep_alive = options.keep_alive;
    slots.push_back(slot);
    queue.push_back(slot);
    work.notify_one();
  }
  slot->name = wanted.name;
  slot->leaves = false;
  slot->is_ordered |= !waits;
  if (asked.keep_alive) slot->keep_alive = *asked.keep_alive;
  auto lease = std::make_shared<Lease>(shared_from_this(), slot);
  ++slot->n_leases;
  return lease;
}

void ModelHost::State::wait(const Slot& slot, const AcquireOptions& asked) {
  constexpr Duration kLookUp(20);
  for (;;) {
    if (asked.is_gone && asked.is_gone()) fail_with(ErrorCode::kCancelled, slot.source.name, ": nobody waits for it");
    MutexLock lock(mutex);
    if (slot.stage != Stage::kWaiting && slot.stage != Stage::kLoading) {
      if (slot.error) throw Error(*slot.error);
      return;
    }
    if (ending) fail_with(ErrorCode::kCancelled, slot.name, ": is not loaded any more, the host ends");
    const auto now = Clock::now();
    if (asked.deadline && now >= *asked.deadline)
      fail_with(ErrorCode::kCancelled, slot.name, ": is not loaded within the time given");
    if (asked.is_gone) {
      changed.wait_for(mutex, asked.deadline ? std::min<Clock::duration>(kLookUp, *asked.deadline - now) : kLookUp);
    } else if (asked.deadline) {
      changed.wait_for(mutex, *asked.deadline - now);
    } else {
      changed.wait(mutex);
    }
  }
}

// The lease of a model that is ready, is what the name means now, and has the context that is wanted.
std::shared_ptr<ModelHost::State::Lease> ModelHost::State::loaded(std::string_view name, const AcquireOptions& asked) {
  for (;;) {
    const Wanted wanted = resolve(name, asked);
    std::shared_ptr<Lease> taken = lease(wanted, asked, true);
    wait(*taken->slot, asked);
    MutexLock lock(mutex);  // ends before the lease, which takes it, too
    if (!taken->slot->serves(wanted) || version_of(wanted.alias_id) != wanted.version) continue;
    move_handle(wanted.handle, *taken->slot);
    return taken;
  }
}

void ModelHost::State::move_handle(const std::string& handle, Slot& to) {
  for (const SlotPtr& slot : slots) {
    if (slot.get() == &to || slot->handles.erase(handle) == 0 || !slot->handles.empty()) continue;
    slot->leaves = true;
    if (slot->is_idle()) set_expiry(*slot);
  }
  to.handles.insert(handle);
}

void ModelHost::State::set_expiry(Slot& slot) {
  if (slot.leaves) {
    slot.expires = Clock::now();
  } else if (slot.keep_alive < Duration(0)) {
    slot.expires = std::nullopt;
  } else {
    slot.expires = Clock::now() + slot.keep_alive;
  }
  timer.notify_one();
}

void ModelHost::State::give_back(Slot& slot) noexcept {
  std::unique_ptr<HostedModel> freed;  // behind the lock
  MutexLock lock(mutex);
  --slot.n_leases;
  slot.last_used = Clock::now();
  if (!slot.is_idle()) return;
  if (ending) {
    freed = take_out(slot);
  } else {
    set_expiry(slot);
  }
}

std::unique_ptr<HostedModel> ModelHost::State::take_out(const Slot& slot) {
  const auto at = std::ranges::find(slots, &slot, &SlotPtr::get);
  KINGLET_CHECK(at != slots.end(), "a slot is taken out once");
  std::unique_ptr<HostedModel> model = std::move((*at)->model);
  (*at)->stage = Stage::kFailed;  // whoever holds the slot holds no lease of it
  slots.erase(at);
  return model;
}

// ---- Loading

void ModelHost::State::load_loop() {
  for (;;) {
    SlotPtr slot;
    {
      MutexLock lock(mutex);
      while (!ending && queue.empty()) work.wait(mutex);
      if (ending) return;
      slot = queue.front();
      queue.pop_front();
      if (slot->n_leases == 0 && !slot->is_ordered) {  // nobody waits any more
        take_out(*slot);
        continue;
      }
      slot->stage = Stage::kLoading;
    }
    load_one(slot);
  }
}

void ModelHost::State::load_one(const SlotPtr& slot) {
  std::unique_ptr<HostedModel> model;
  std::optional<Error> error;
  std::string quantization;
  uint64_t n_parameters = 0;
  try {
    // Of a folder tensors may be converted as it is opened: room for the file is made before.
    make_room(*slot, {.mapped_bytes = slot->source.stored.size_bytes});
    HostedModel::Options of_model{.context_len = slot->context_len,
                                  .default_context = options.default_context,
                                  .max_sequences = options.max_sequences,
                                  .max_waiting = options.max_waiting,
                                  .step_ms = options.step_ms,
                                  .kv_type = options.kv_type};
    // The slot owns the model, and this the slot.
    of_model.admit = [this, place = slot.get()](const MemoryUse& use) { make_room(*place, use); };
    model = std::make_unique<HostedModel>(slot->source, std::move(of_model), table, pool);
    quantization = quantization_of(model->file());
    n_parameters = parameter_count(model->file());
  } catch (const Error& why) {
    error = why;
  } catch (const std::bad_alloc&) {
    error = Error(ErrorCode::kOutOfMemory, str(slot->source.name, ": the system has no memory left to load it"));
  } catch (const std::exception& why) {
    error = Error(ErrorCode::kInternal, str(slot->source.name, ": ", why.what()));
  }
  MutexLock lock(mutex);
  slot->last_used = Clock::now();
  if (error) {
    slot->error = std::move(error);
    take_out(*slot);
  } else {
    slot->family = model->model().architecture().name;
    slot->quantization = std::move(quantization);
    slot->n_parameters = n_parameters;
    slot->model = std::move(model);
    slot->stage = Stage::kReady;
    // One with a larger context takes the place of others of the same.
    for (const SlotPtr& other : slots) {
      if (other == slot || other->key != slot->key || other->stage != Stage::kReady) continue;
      slot->handles.merge(other->handles);
      other->leaves = true;
      if (other->is_idle()) set_expiry(*other);
    }
    if (slot->is_idle()) set_expiry(*slot);
  }
  changed.notify_all();
}

// The model that goes first where room is needed: the least recently used of those that nobody has.
const Slot* ModelHost::State::idle_victim(const Slot& for_slot) const {
  const Slot* victim = nullptr;
  const auto is_replaced = [&](const Slot& slot) { return slot.leaves || slot.key == for_slot.key; };
  for (const SlotPtr& slot : slots) {
    if (slot.get() == &for_slot || !slot->is_idle()) continue;
    const bool is_first = victim == nullptr || is_replaced(*slot) > is_replaced(*victim) ||
                          (is_replaced(*slot) == is_replaced(*victim) && slot->last_used < victim->last_used);
    if (is_first) victim = slot.get();
  }
  return victim;
}

void ModelHost::State::make_room(Slot& slot, const MemoryUse& use) {
  for (;;) {
    std::unique_ptr<HostedModel> freed;  // behind the lock
    MutexLock lock(mutex);
    uint64_t n_others = 0;
    uint64_t n_busy = 0;
    std::string busy;
    for (const SlotPtr& other : slots) {
      if (other.get() == &slot) continue;
      n_others += other->reserved.total();
      if (other->is_idle() || other->reserved.total() == 0) continue;
      n_busy += other->reserved.total();
      busy += str(busy.empty() ? "" : ", ", other->name);
    }
    if (use.total() + n_others <= options.memory_budget) {
      slot.reserved = use;
      return;
    }
    const Slot* victim = use.total() + n_busy <= options.memory_budget ? idle_victim(slot) : nullptr;
    if (victim == nullptr) {
      fail_with(ErrorCode::kOutOfMemory, slot.name, ": needs ", use.total(), " bytes of memory (", use.mapped_bytes,
                " of the file, ", use.converted_bytes, " converted, ", use.kv_bytes, " of keys and values, ",
                use.step_bytes, " for steps), the budget is ", options.memory_budget,
                busy.empty() ? "" : str(", of which ", n_busy, " are in use by ", busy),
                "; a smaller context takes less");
    }
    freed = take_out(*victim);
  }
}

// ---- Unloading

void ModelHost::State::keep_loop() {
  for (;;) {
    std::unique_ptr<HostedModel> freed;  // behind the lock
    MutexLock lock(mutex);
    if (ending) return;
    const auto now = Clock::now();
    const Slot* due = nullptr;
    std::optional<Clock::time_point> next;
    for (const SlotPtr& slot : slots) {
      if (!slot->is_idle() || !slot->expires) continue;
      if (*slot->expires <= now) due = slot.get();
      next = next ? std::min(*next, *slot->expires) : *slot->expires;
    }
    if (due != nullptr) {
      freed = take_out(*due);
    } else if (next) {
      timer.wait_for(mutex, *next - now);
    } else {
      timer.wait(mutex);
    }
  }
}

// ---- The host

ModelHost::ModelHost(Options options, const store::Store& store, const kernels::KernelTable& table, ThreadPool& pool)
    : state_(std::make_shared<State>(options, store, table, pool)) {
  state_->loader = std::thread([state = state_.get()] { state->load_loop(); });
  state_->keeper = std::thread([state = state_.get()] { state->keep_loop(); });
}

ModelHost::~ModelHost() {
  {
    MutexLock lock(state_->mutex);
    state_->ending = true;
    state_->work.notify_all();
    state_->changed.notify_all();
    state_->timer.notify_all();
  }
  state_->loader.join();
  state_->keeper.join();
  std::vector<std::unique_ptr<HostedModel>> freed;
  MutexLock lock(state_->mutex);
  std::vector<const Slot*> idle;
  for (const SlotPtr& slot : state_->slots) {
    if (slot->is_idle()) idle.push_back(slot.get());
  }
  for (const Slot* slot : idle) freed.push_back(state_->take_out(*slot));
}

std::shared_ptr<HostedModel> ModelHost::acquire(std::string_view name, const AcquireOptions& options) {
  std::shared_ptr<State::Lease> lease = state_->loaded(name, options);
  HostedModel* model = lease->slot->model.get();
  return {std::move(lease), model};
}

void ModelHost::load(std::string_view name, const AcquireOptions& options) {
  const Wanted wanted = state_->resolve(name, options);
  static_cast<void>(state_->lease(wanted, options, false));
}

void ModelHost::bind(std::string_view alias, std::string_view target, const AcquireOptions& options) {
  const ModelName alias_name = ModelName::parse(alias);
  const std::string id = id_of(alias_name);
  Binding binding{.alias = alias_name, .target = ModelName::parse(target), .overrides = options.overrides};
  if (const std::string target_id = id_of(binding.target); target_id != id) {
    // What is bound already means what it means now.
    MutexLock lock(state_->mutex);
    if (const auto bound = state_->bindings.find(target_id); bound != state_->bindings.end()) {
      binding.target = bound->second.target;
      if (!binding.overrides.context_len) binding.overrides.context_len = bound->second.overrides.context_len;
      if (!binding.overrides.adapters) binding.overrides.adapters = bound->second.overrides.adapters;
    }
  }
  for (;;) {
    const Wanted wanted = state_->look_up(alias_name, binding.target, binding.overrides);
    const std::shared_ptr<State::Lease> lease = state_->lease(wanted, options, true);
    state_->wait(*lease->slot, options);
    MutexLock lock(state_->mutex);  // ends before the lease, which takes it, too
    if (!lease->slot->serves(wanted)) continue;
    binding.version = ++state_->last_version;
    state_->bindings.insert_or_assign(id, binding);
    state_->move_handle(str(id, '\n'), *lease->slot);
    return;
  }
}

bool ModelHost::unbind(std::string_view alias) {
  const std::string id = id_of(ModelName::parse(alias));
  MutexLock lock(state_->mutex);
  return state_->bindings.erase(id) > 0;
}

std::vector<std::pair<std::string, std::string>> ModelHost::bindings() const {
  std::vector<std::pair<std::string, std::string>> all;
  MutexLock lock(state_->mutex);
  for (const auto& [id, binding] : state_->bindings)
    all.emplace_back(binding.alias.to_string(), binding.target.to_string());
  return all;
}

bool ModelHost::unload(std::string_view name) {
  const ModelName parsed = ModelName::parse(name);
  const std::string begin = str(id_of(parsed), '\n');
  const std::string spelled = parsed.to_string();
  std::vector<std::unique_ptr<HostedModel>> freed;  // behind the lock
  MutexLock lock(state_->mutex);
  std::vector<SlotPtr> found;
  for (const SlotPtr& slot : state_->slots) {
    const bool has_name =
        std::ranges::any_of(slot->handles, [&](const std::string& handle) { return handle.starts_with(begin); });
    if (has_name || slot->name == spelled) found.push_back(slot);
  }
  for (const SlotPtr& slot : found) {
    slot->leaves = true;
    if (slot->is_idle()) freed.push_back(state_->take_out(*slot));
  }
  return !found.empty();
}

std::vector<ResidentModel> ModelHost::list() const {
  std::vector<ResidentModel> all;
  MutexLock lock(state_->mutex);
  const auto now = Clock::now();
  const auto wall = std::chrono::system_clock::now();
  for (const SlotPtr& slot : state_->slots) {
    ResidentModel& row = all.emplace_back();
    row.name = slot->name;
    row.digest = slot->source.stored.digest;
    row.family = slot->family;
    row.quantization = slot->quantization;
    row.n_parameters = slot->n_parameters;
    row.size_bytes = slot->source.stored.size_bytes;
    row.memory = slot->reserved;
    row.n_leases = slot->n_leases;
    row.is_loading = slot->stage != Stage::kReady;
    if (!row.is_loading) {
      row.context_len = slot->model->context_len();
      row.stats = slot->model->stats();
    }
    const std::optional<Clock::time_point> expires = slot->is_idle() ? slot->expires
                                                     : slot->keep_alive < Duration(0)
                                                         ? std::nullopt
                                                         : std::optional(now + slot->keep_alive);
    if (expires)
      row.expires_at = wall + std::chrono::duration_cast<std::chrono::system_clock::duration>(*expires - now);
  }
  std::ranges::sort(all, [](const ResidentModel& a, const ResidentModel& b) {
    if (a.expires_at.has_value() != b.expires_at.has_value()) return !a.expires_at;
    return a.expires_at != b.expires_at ? *a.expires_at > *b.expires_at : a.name < b.name;
  });
  return all;
}

const ModelHost::Options& ModelHost::options() const noexcept { return state_->options; }

uint64_t ModelHost::used_bytes() const {
  MutexLock lock(state_->mutex);
  uint64_t n = 0;
  for (const SlotPtr& slot : state_->slots) n += slot->reserved.total();
  return n;
}

}  // namespace kinglet::chat
