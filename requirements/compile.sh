#!/usr/bin/env bash
# Pin every requirement anew: versions and SHA-256 only, no index address, for every platform and Python from 3.11 up.
# Needs uv (https://docs.astral.sh/uv); set-up itself needs only pip.
set -euo pipefail
cd "$(dirname "$0")/.."
common=(uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header
        "$@")
"${common[@]}" pyproject.toml --extra embedded --extra simulate --group build -o requirements/runtime.txt
"${common[@]}" pyproject.toml --extra embedded --extra simulate --extra stripe --group build --group dev --group ui --group docs \
  --constraint requirements/runtime.txt -o requirements/dev.txt
