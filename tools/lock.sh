#!/bin/sh
# Writes .ci/requirements/GROUP.txt anew: every package that extcal, its extras and a group of
# pyproject.toml need, with versions and hashes, for every supported Python and platform.
# Continuous integration installs these and nothing else (EXTCAL_LOCKED, see tools/venv.sh), so a
# package that somebody changes tomorrow does not run there.
set -eu

sh tools/venv.sh .venv-lock
.venv-lock/bin/python -m pip install -q --disable-pip-version-check uv
uv=$PWD/.venv-lock/bin/uv
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp pyproject.toml README.md LICENSE THIRD-PARTY-NOTICES.md "$work"
mkdir -p .ci/requirements
cd "$work"
"$uv" lock -q
for group in test docs dev; do
    file=$here/.ci/requirements/$group.txt
    echo "# Written by make lock: versions and hashes of what CI installs." >"$file"
    "$uv" export -q --no-default-groups --group "$group" --no-emit-project --no-header \
        --no-annotate --format requirements-txt >>"$file"
    echo ".ci/requirements/$group.txt: $(grep -c '==' "$file") packages"
done
