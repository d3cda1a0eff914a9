#!/bin/sh
# Writes what the wheel depends on as CycloneDX files: build/sbom/extcal.json with all extras, and
# build/sbom/extcal-runtime.json without any. The wheel is installed into an environment that holds
# nothing else, and cyclonedx-py reads that from outside. tools/sbom.py adds hashes and checks.
set -eu

sh tools/venv.sh .venv-lock
.venv-lock/bin/python -m pip install -q --disable-pip-version-check build cyclonedx-bom
rm -rf build/sbom
mkdir -p build/sbom
.venv-lock/bin/python -m build -q --wheel --outdir build/sbom/wheel

extras=$(.venv-lock/bin/python -c '
import tomllib
with open("pyproject.toml", "rb") as file:
    print(*tomllib.load(file)["project"]["optional-dependencies"])')

write() { # NAME, EXTRA ...
    name=$1
    shift
    .venv-lock/bin/python -m venv --clear --without-pip .venv-sbom
    wheel=$(ls build/sbom/wheel/*.whl)
    [ $# = 0 ] || wheel="$wheel[$(echo "$*" | tr ' ' ,)]"
    .venv-lock/bin/python -m pip --python .venv-sbom/bin/python install -q \
        --disable-pip-version-check --no-input --report build/sbom/wheel/report.json "$wheel"
    .venv-lock/bin/python -m cyclonedx_py environment --pyproject pyproject.toml \
        --output-reproducible --output-format JSON --output-file "build/sbom/$name.json" .venv-sbom
    .venv-lock/bin/python tools/sbom.py "build/sbom/$name.json" build/sbom/wheel/report.json "$@"
}

write extcal-runtime
# shellcheck disable=SC2086 # a word for each extra
write extcal $extras
rm -rf build/sbom/wheel .venv-sbom
