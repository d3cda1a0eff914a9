#!/bin/sh
# Writes what the wheel depends on as CycloneDX files: build/sbom/extcal.json with all extras, and
# build/sbom/extcal-runtime.json without any. The wheel is installed into an environment that holds
# nothing else, and cyclonedx-py reads that from outside.
set -eu

sh tools/venv.sh .venv-lock
.venv-lock/bin/python -m pip install -q --disable-pip-version-check build cyclonedx-bom
rm -rf build/sbom
mkdir -p build/sbom
.venv-lock/bin/python -m build -q --wheel --outdir build/sbom/wheel

extras=$(.venv-lock/bin/python -c '
import tomllib
with open("pyproject.toml", "rb") as file:
    print(",".join(tomllib.load(file)["project"]["optional-dependencies"]))')

write() { # NAME, EXTRAS
    .venv-lock/bin/python -m venv --clear --without-pip .venv-sbom
    wheel=$(ls build/sbom/wheel/*.whl)
    .venv-lock/bin/python -m pip --python .venv-sbom/bin/python install -q \
        --disable-pip-version-check --no-input "$wheel$2"
    .venv-lock/bin/python -m cyclonedx_py environment --pyproject pyproject.toml \
        --output-reproducible --output-format JSON --output-file "build/sbom/$1.json" .venv-sbom
    printf '%s: ' "build/sbom/$1.json"
    .venv-lock/bin/python -c '
import json, sys
print(len(json.load(open(sys.argv[1], encoding="utf-8"))["components"]), "components")' "build/sbom/$1.json"
}

write extcal-runtime ""
write extcal "[$extras]"
rm -rf build/sbom/wheel .venv-sbom
