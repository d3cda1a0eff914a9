#!/bin/sh
# Runs the tests on every supported Python that this machine has, with the oldest and the newest of
# the libraries whose majors are supported.
#
#   tools/matrix.sh whole            every Python, both sets of libraries, all tests   (make matrix)
#   tools/matrix.sh core             the Pythons that `make test` did not use, one set each: make quick
#
# A Python that is not there is skipped with a word. The environments are .venv-3.11, .venv-3.12, ...
set -eu

what=${1:-whole}
oldest="python-dateutil==2.9.* icalendar==6.3.*"
newest="python-dateutil==4.* icalendar==7.*"

find_python() {
    for candidate in "python$1" "${HOME:-/nonexistent}"/.pyenv/versions/"$1".*/bin/python3 \
        "${HOME:-/nonexistent}"/.local/share/uv/python/cpython-"$1"*/bin/python3 \
        "/opt/homebrew/bin/python$1" "/usr/local/bin/python$1"; do
        if "$candidate" -c "import sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" \
            >/dev/null 2>&1; then
            found=$candidate
            return 0
        fi
    done
    return 1
}

run() { # version, libraries
    venv=.venv-$1
    printf '\n-- Python %s with %s\n' "$1" "$2"
    PYTHON=$found sh tools/venv.sh "$venv" test
    # shellcheck disable=SC2086  # several requirements
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input $2
    if [ "$what" = core ]; then
        "$venv/bin/python" tools/run_tests.py --quick -p no:cacheprovider
        "$venv/bin/python" -m pytest -q -p no:cacheprovider tests/contrib tests/test_frames.py tests/test_readme.py
    else
        "$venv/bin/python" tools/run_tests.py -p no:cacheprovider ${ARGS:-}
    fi
}

already=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)
set_of_libraries=$oldest
for version in 3.11 3.12 3.13 3.14 3.15; do
    if [ "$what" = core ] && [ "$version" = "$already" ]; then
        continue
    fi
    if ! find_python "$version"; then
        printf '\n-- Python %s is not on this machine: skipped\n' "$version"
        continue
    fi
    if [ "$what" = core ]; then
        run "$version" "$set_of_libraries"
        if [ "$set_of_libraries" = "$oldest" ]; then set_of_libraries=$newest; else set_of_libraries=$oldest; fi
    else
        run "$version" "$oldest"
        run "$version" "$newest"
    fi
done
