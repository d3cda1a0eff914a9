#!/bin/sh
# Makes sure that a virtual environment holds this project with the given dependency group of
# pyproject.toml ("" for none).
#
#   tools/venv.sh DIRECTORY [GROUP]
#
# Finds a Python >= 3.11 anywhere on PATH, makes the environment if it is missing or broken, and
# installs only when pyproject.toml or the place of the project has changed: a second run is quick
# and needs no network. PYTHON=/path/to/python chooses one. With EXTCAL_LOCKED, as in CI, packages
# are installed by version and hash, from .ci/requirements.
set -eu

venv=$1
group=${2:-}
versions="python3 python3.14 python3.13 python3.12 python3.11 python"

say() { printf '%s\n' "$*" >&2; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
complete() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

without_venv=
consider() {
    new_enough "$1" || return 1
    if complete "$1"; then
        found=$1
        return 0
    fi
    without_venv=${without_venv:-$1}
    return 1
}

# The first python3 may be too old, or a shim that answers for a version that is not chosen:
# every directory of PATH is asked, then the places where version managers keep theirs.
find_python() {
    found=
    if [ -n "${PYTHON:-}" ]; then
        consider "$PYTHON" && return 0
        say "PYTHON=$PYTHON is not a Python 3.11 or newer with venv."
        return 1
    fi
    rest=$PATH:
    while [ -n "$rest" ]; do
        directory=${rest%%:*}
        rest=${rest#*:}
        for name in $versions; do
            [ -x "$directory/$name" ] && consider "$directory/$name" && return 0
        done
    done
    for candidate in "${HOME:-/nonexistent}"/.pyenv/versions/3.*/bin/python3 \
        "${HOME:-/nonexistent}"/.local/share/uv/python/*/bin/python3 \
        /opt/homebrew/bin/python3 /usr/local/bin/python3; do
        [ -x "$candidate" ] && consider "$candidate" && return 0
    done
    if [ -n "$without_venv" ]; then
        say "$without_venv is new enough but has no venv. On Debian and Ubuntu: apt install python3-venv"
    else
        say "extcal needs Python 3.11 or newer, and none was found on PATH."
        say "Install one (https://www.python.org/downloads/), or name it: make PYTHON=/path/to/python3 ..."
    fi
    return 1
}

# A copied or moved environment still points at the old place; an upgraded system takes its Python away.
usable() {
    [ -x "$venv/bin/python" ] || return 1
    new_enough "$venv/bin/python" || return 1
    "$venv/bin/python" -c 'import pip' >/dev/null 2>&1 || return 1
    [ ! -f "$venv/.made-in" ] || [ "$(cat "$venv/.made-in")" = "$PWD" ]
}

if ! usable; then
    find_python || exit 1
    say "Making $venv with $("$found" --version) ..."
    "$found" -m venv --clear "$venv"
    printf '%s' "$PWD" >"$venv/.made-in"
fi

pip_install() {
    PYTHONUTF8=1 "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --no-color \
        --progress-bar off "$@"
}

# Groups came with pip 25.1; the pip of Python 3.11 and 3.12 is older.
knows_groups() { "$venv/bin/python" -m pip install --help | grep -q -e --group; }

# Says which package pip is at, on one growing line; what pip complains of shows if it fails.
install() {
    log=$venv/.install-log failed=$venv/.install-failed
    rm -f "$failed"
    {
        if [ -n "${EXTCAL_LOCKED:-}" ] && [ -n "$group" ] && [ -f ".ci/requirements/$group.txt" ]; then
            pip_install --require-hashes -r ".ci/requirements/$group.txt" 2>"$log" &&
                pip_install --no-deps --no-build-isolation -e . 2>"$log" || : >"$failed"
        else
            { [ -z "$group" ] || knows_groups || pip_install "pip>=25.1"; } 2>"$log" &&
                pip_install -e . ${group:+--group "$group"} 2>"$log" || : >"$failed"
        fi
    } | while read -r word name _; do
        case "$word $name" in
            Collecting*) printf ' %s' "${name%%[!A-Za-z0-9._-]*}" >&2 ;;
            "Installing collected") printf '\n unpacking them ...' >&2 ;;
        esac
    done
    printf '\n' >&2
    [ ! -f "$failed" ] || { cat "$log" >&2 && return 1; }
    # The file that leads to src: before 3.13, Python reads it in the encoding of the locale. With
    # LC_ALL=C it does not start at all in a folder with an umlaut, unless the file is ASCII.
    "$venv/bin/python" -S -c "$to_ascii" "$venv"
}

to_ascii='import glob, os, sys
for name in glob.glob(os.path.join(sys.argv[1], "lib*/python*/site-packages/*extcal.pth")):
    path = open(name, "rb").read().rstrip()
    if not path.isascii():
        line = f"import os, sys; sys.path.append(os.fsdecode({path!r}))\n"
        open(name, "w", encoding="ascii").write(line)
'

stamp=$venv/.installed-${group:-runtime}
wanted=$(cksum pyproject.toml)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
    case $group in
        "") how_long="some ten packages, seconds" ;;
        *) how_long="some fifty to a hundred packages, a minute or two" ;;
    esac
    say "Installing extcal${group:+ and its \"$group\" dependencies} into $venv ($how_long; later runs do without):"
    install || exit 1
    printf '%s' "$wanted" >"$stamp"
fi
