#!/usr/bin/env bash
# make test: installs what is missing, builds with sanitizers and for release, runs the tests in both, prints ctest's lines.
# Tests labelled `long` run in `make check-all`; those labelled `kit` need ../shared/data.
set -eu
cd "$(dirname "$0")/.."
start=$SECONDS
step() { echo "== $* ($((SECONDS - start)) s)"; }
step "packages"
tools/install.sh run test
tools/clients install || echo "The clients of the server's tests cannot be had; these tests are skipped."
jobs=$(nproc)
for preset in dev release; do
  step "build $preset"
  cmake --preset "$preset" >build-"$preset".log 2>&1 || { cat build-"$preset".log; rm -f build-"$preset".log; exit 1; }
  rm -f build-"$preset".log
  cmake --build --preset "$preset" -j "$jobs" -- --quiet
done
if [ ! -d ../shared/data ]; then
  kit=$(ctest --test-dir build/release -N -L kit | grep -c 'Test *#' || true)
  echo "The data kit (../shared/data) is not here: $kit test programs that read it will skip their cases."
fi
failed=0
for preset in dev release; do
  step "test $preset"
  ctest --test-dir "build/$preset" -LE long --output-on-failure -j "$jobs" || failed=1
done
step "done"
exit $failed
