#!/bin/sh
# Two published programs on extcal, in an environment of their own: see README.md beside this file.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH= cd -- "$here/../.." && pwd)
python=${PYTHON:-python3}
env="$root/.venv-foreign"
sources="$env/sources"
if [ ! -x "$env/bin/python" ]; then
  "$python" -m venv "$env"
fi
"$env/bin/python" -m pip install -qq --disable-pip-version-check -e "$root" \
  'justbookmycal==0.2.0' 'ics-calendar-mcp==0.1.0' 'mcp<2' pytest pytest-asyncio respx
if [ ! -d "$sources/ics_calendar_mcp-0.1.0/tests" ]; then
  mkdir -p "$sources"
  "$env/bin/python" -m pip download -qq --disable-pip-version-check --no-deps \
    --no-binary ics-calendar-mcp --dest "$sources" 'ics-calendar-mcp==0.1.0'
  tar -xzf "$sources/ics_calendar_mcp-0.1.0.tar.gz" -C "$sources"
fi
for adapter in booking_page expander; do
  lines=$(wc -l <"$here/$adapter.py")
  echo "$adapter.py: $lines lines"
  [ "$lines" -le 100 ]
done
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1
cd "$sources/ics_calendar_mcp-0.1.0"
"$env/bin/python" -m pytest -q -p no:cacheprovider -p expander tests
cd "$here"
"$env/bin/python" -m pytest -q -p no:cacheprovider --noconftest -c /dev/null --rootdir "$here" check_booking_page.py \
  check_expander.py
