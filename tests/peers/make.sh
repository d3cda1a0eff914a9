#!/bin/sh
# The peers live in an environment of their own: recurring-ical-events wants another dateutil than
# extcal does. Makes .venv-peers at the root of the repository and computes the answers anew.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
python=${PYTHON:-python3}
if [ ! -x "$root/.venv-peers/bin/python" ]; then
  "$python" -m venv "$root/.venv-peers"
fi
"$root/.venv-peers/bin/python" -m pip install -qq --disable-pip-version-check \
  'icalendar==7.3.0' 'recurring-ical-events==3.8.2' 'tzdata>=2026.1'
exec "$root/.venv-peers/bin/python" "$root/tests/peers/compute.py" "$@"
