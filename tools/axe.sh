#!/bin/sh
# Puts axe-core, from npm, into a virtual environment, for the tests that look at pages with it.
#
#   tools/axe.sh DIRECTORY
#
# Without npm, or without a network, nothing is installed, and those tests say that they are skipped.
set -eu

[ -f "$1/axe/node_modules/axe-core/axe.min.js" ] && exit 0
command -v npm >/dev/null 2>&1 || exit 0
echo "installing axe-core into $1/axe" >&2
npm install --silent --no-save --no-audit --no-fund --fetch-retries=0 --fetch-timeout=30000 \
    --prefix "$1/axe" axe-core@4.14.1 \
    >/dev/null 2>&1 || true
