#!/bin/sh
# Makes .venv-peers from the Python of the environment given, once per change of peers.txt. Fails
# quietly where there is no package index: the benchmark then runs without the peers and says so.
set -u
python=$1
venv=.venv-peers
wanted=$(cksum benchmarks/peers.txt)
stamp=$venv/.installed

[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && "$venv/bin/python" -c '' 2>/dev/null && exit 0
echo "Making $venv for the peers ..." >&2
rm -rf "$venv"
if "$python" -m venv "$venv" &&
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input -r benchmarks/peers.txt; then
    printf '%s' "$wanted" >"$stamp"
else
    echo "The peers could not be installed; going on without them." >&2
    rm -rf "$venv"
fi
exit 0
