"""``python -m extcal.cli`` is ``extcal``."""

from __future__ import annotations

from extcal.cli import main

if __name__ == "__main__":
    main()
