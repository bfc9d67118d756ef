#!/usr/bin/env bash
# make check-all: what takes longer than `make test` may: thread sanitizer, fuzzing (a minute for each target), emulated
# AVX-512, clang-tidy, format, tests labelled `long`. With KINGLET_PEERS (a folder of tools/build_peers) also the
# comparison with llama.cpp, for which the data kit must be there.
set -eu
cd "$(dirname "$0")/.."
start=$SECONDS
step() { echo "== $* ($((SECONDS - start)) s)"; }
jobs=$(nproc)
fuzz_seconds=${FUZZ_SECONDS:-60}
failed=()
try() { "$@" || failed+=("$*"); }
# Builds a preset; where that fails, what needs it is left out.
build() {
  local log=build-$1.log
  if cmake --preset "$1" >"$log" 2>&1; then
    rm -f "$log"
  else
    cat "$log"
    rm -f "$log"
    failed+=("configure $1")
    return 1
  fi
  cmake --build --preset "$1" -j "$jobs" -- --quiet || { failed+=("build $1"); return 1; }
}
step "packages"
tools/install.sh run test check

step "make test"
try tools/test.sh

step "tests that take long"
try ctest --test-dir build/release -L long --no-tests=ignore --output-on-failure

step "format"
try clang-format-19 --dry-run --Werror $(git ls-files '*.cpp' '*.h')

# By clang: under this sanitizer GCC 12 takes parts of a std::variant for uninitialized.
step "thread sanitizer: engine, graph, pool, store, server"
build tsan && try ctest --test-dir build/tsan -R 'engine|graph|system|db|ledger|egress|store|registry|chat|serve|e2e' -LE long --output-on-failure

step "emulated AVX-512 (SIMDe)"
build simde && try ctest --test-dir build/simde -R 'core_kernels_test|core_graph_test|tests_models|architectures' -LE long --output-on-failure

step "fuzzing, $fuzz_seconds s a target"
mkdir -p build/fuzz/found
build fuzz && for target in build/fuzz/tests/fuzz/*_fuzz; do
  name=$(basename "$target" _fuzz)
  mkdir -p "build/fuzz/corpus/$name"
  echo "-- $name"
  (cd build/fuzz/found && "../../../$target" "../corpus/$name" "../../../tests/fuzz/corpus/$name" \
    -max_total_time="$fuzz_seconds" -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 -verbosity=0) || failed+=("fuzz $name")
done

step "clang-tidy"
try tools/tidy.sh build/release

if [ -n "${KINGLET_PEERS:-}" ] && [ -d ../shared/data ]; then
  step "beside llama.cpp"
  tools/get_model.sh build/release/kinglet smollm2:135m
  model=$(build/release/kinglet show smollm2:135m --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["path"])')
  try tools/judge_peer build/release/kinglet "$model" "$KINGLET_PEERS" ../shared/data
fi
step "done"
if [ ${#failed[@]} -gt 0 ]; then
  printf 'failed: %s\n' "${failed[@]}"
  exit 1
fi
