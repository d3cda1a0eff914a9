"""Write ``src/extcal/ical/zones/_windows.py``: the Windows zone table, which costs no import.

The rows come from the installed icalendar (which generates its own from CLDR's windowsZones.xml,
territory 001), from ``EXTRA_ROWS`` below (Windows IDs without a CLDR row there), and from
``DISPLAY_NAMES`` (what Windows, Exchange and Domino show to people, found as TZID in feeds).

    python scripts/make_windows_zones.py --date 2026-11-22    # write the module
    python scripts/make_windows_zones.py --check              # exit 1 if it would write another one

``--check`` compares rows, not the date in the header.
"""

from __future__ import annotations

import argparse
import re
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "src" / "extcal" / "ical" / "zones" / "_windows.py"

# Windows ID, IANA zone, why it is here. A row for a name that icalendar has too replaces its
# target, so its note must say why.
EXTRA_ROWS = (
    ("Alberta Standard Time", "America/Edmonton", "newer than icalendar 7.3.0"),
    ("Armenian Standard Time", "Asia/Yerevan", "obsolete ID, now Caucasus Standard Time"),
    ("British Columbia Standard Time", "America/Vancouver", "newer than icalendar 7.3.0"),
    ("Coordinated Universal Time", "Etc/UTC", "the display name of the ID UTC"),
    ("Kamchatka Standard Time", "Asia/Kamchatka", "obsolete ID, still in old mailboxes"),
    ("Malay Peninsula Standard Time", "Asia/Singapore", "obsolete ID, now Singapore"),
    ("Manitoba Standard Time", "America/Winnipeg", "newer than icalendar 7.3.0"),
    ("Mexico Standard Time", "America/Mexico_City", "obsolete ID, now Central (Mexico)"),
    ("Mexico Standard Time 2", "America/Mazatlan", "obsolete ID, now Mountain (Mexico)"),
    ("Mid-Atlantic Standard Time", "Etc/GMT+2", "no place observes the DST that Windows shows"),
)

# Windows ID, then its display names without the "(UTC+01:00)" in front, newest first. Names split
# by commas are lists of places: a TZID that names some of them, in any order, is understood.
DISPLAY_NAMES = (
    ("AUS Central Standard Time", "Darwin"),
    ("AUS Eastern Standard Time", "Canberra, Melbourne, Sydney"),
    ("Afghanistan Standard Time", "Kabul"),
    ("Alaskan Standard Time", "Alaska"),
    ("Aleutian Standard Time", "Aleutian Islands"),
    ("Altai Standard Time", "Barnaul, Gorno-Altaysk"),
    ("Arab Standard Time", "Kuwait, Riyadh"),
    ("Arabian Standard Time", "Abu Dhabi, Muscat"),
    ("Arabic Standard Time", "Baghdad"),
    ("Argentina Standard Time", "City of Buenos Aires", "Buenos Aires"),
    ("Astrakhan Standard Time", "Astrakhan, Ulyanovsk"),
    ("Atlantic Standard Time", "Atlantic Time (Canada)"),
    ("Aus Central W. Standard Time", "Eucla"),
    ("Azerbaijan Standard Time", "Baku"),
    ("Azores Standard Time", "Azores"),
    ("Bahia Standard Time", "Salvador"),
    ("Bangladesh Standard Time", "Dhaka"),
    ("Belarus Standard Time", "Minsk"),
    ("Bougainville Standard Time", "Bougainville Island"),
    ("Canada Central Standard Time", "Saskatchewan"),
    ("Cape Verde Standard Time", "Cabo Verde Is.", "Cape Verde Is."),
    ("Caucasus Standard Time", "Yerevan"),
    ("Cen. Australia Standard Time", "Adelaide"),
    ("Central America Standard Time", "Central America"),
    ("Central Asia Standard Time", "Bishkek"),
    ("Central Brazilian Standard Time", "Cuiaba"),
    ("Central Europe Standard Time", "Belgrade, Bratislava, Budapest, Ljubljana, Prague"),
    ("Central European Standard Time", "Sarajevo, Skopje, Warsaw, Zagreb"),
    ("Central Pacific Standard Time", "Solomon Is., New Caledonia", "Solomon Islands"),
    ("Central Standard Time", "Central Time (US & Canada)"),
    ("Central Standard Time (Mexico)", "Guadalajara, Mexico City, Monterrey", "Tegucigalpa"),
    ("Chatham Islands Standard Time", "Chatham Islands"),
    ("China Standard Time", "Beijing, Chongqing, Hong Kong, Urumqi"),
    ("Cuba Standard Time", "Havana"),
    ("Dateline Standard Time", "International Date Line West"),
    ("E. Africa Standard Time", "Nairobi"),
    ("E. Australia Standard Time", "Brisbane"),
    ("E. Europe Standard Time", "Chisinau"),
    ("E. South America Standard Time", "Brasilia"),
    ("Easter Island Standard Time", "Easter Island"),
    ("Eastern Standard Time", "Eastern Time (US & Canada)"),
    ("Eastern Standard Time (Mexico)", "Chetumal"),
    ("Egypt Standard Time", "Cairo"),
    ("Ekaterinburg Standard Time", "Ekaterinburg"),
    ("FLE Standard Time", "Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius", "Kiev"),
    ("Fiji Standard Time", "Fiji", "Fiji Islands"),
    ("GMT Standard Time", "Dublin, Edinburgh, Lisbon, London"),
    ("GTB Standard Time", "Athens, Bucharest"),
    ("Georgian Standard Time", "Tbilisi"),
    ("Greenland Standard Time", "Greenland"),
    ("Greenwich Standard Time", "Monrovia, Reykjavik"),
    ("Haiti Standard Time", "Haiti"),
    ("Hawaiian Standard Time", "Hawaii"),
    ("India Standard Time", "Chennai, Kolkata, Mumbai, New Delhi", "Calcutta"),
    ("Iran Standard Time", "Tehran"),
    ("Israel Standard Time", "Jerusalem"),
    ("Jordan Standard Time", "Amman"),
    ("Kaliningrad Standard Time", "Kaliningrad"),
    ("Kamchatka Standard Time", "Petropavlovsk-Kamchatsky - Old"),
    ("Korea Standard Time", "Seoul"),
    ("Libya Standard Time", "Tripoli"),
    ("Line Islands Standard Time", "Kiritimati Island"),
    ("Lord Howe Standard Time", "Lord Howe Island"),
    ("Magadan Standard Time", "Magadan"),
    ("Magallanes Standard Time", "Punta Arenas"),
    ("Marquesas Standard Time", "Marquesas Islands"),
    ("Mauritius Standard Time", "Port Louis"),
    ("Mid-Atlantic Standard Time", "Mid-Atlantic - Old", "Mid-Atlantic"),
    ("Middle East Standard Time", "Beirut"),
    ("Montevideo Standard Time", "Montevideo"),
    ("Morocco Standard Time", "Casablanca"),
    ("Mountain Standard Time", "Mountain Time (US & Canada)"),
    ("Mountain Standard Time (Mexico)", "Chihuahua, La Paz, Mazatlan"),
    ("Myanmar Standard Time", "Yangon (Rangoon)", "Rangoon", "Yangon"),
    ("N. Central Asia Standard Time", "Novosibirsk"),
    ("Namibia Standard Time", "Windhoek"),
    ("Nepal Standard Time", "Kathmandu"),
    ("New Zealand Standard Time", "Auckland, Wellington"),
    ("Newfoundland Standard Time", "Newfoundland"),
    ("Norfolk Standard Time", "Norfolk Island"),
    ("North Asia East Standard Time", "Irkutsk"),
    ("North Asia Standard Time", "Krasnoyarsk"),
    ("North Korea Standard Time", "Pyongyang"),
    ("Omsk Standard Time", "Omsk"),
    ("Pacific SA Standard Time", "Santiago"),
    ("Pacific Standard Time", "Pacific Time (US & Canada)"),
    ("Pacific Standard Time (Mexico)", "Baja California", "Tijuana, Baja California"),
    ("Pakistan Standard Time", "Islamabad, Karachi"),
    ("Paraguay Standard Time", "Asuncion"),
    ("Qyzylorda Standard Time", "Qyzylorda"),
    ("Romance Standard Time", "Brussels, Copenhagen, Madrid, Paris"),
    ("Russia Time Zone 10", "Chokurdakh"),
    ("Russia Time Zone 11", "Anadyr, Petropavlovsk-Kamchatsky"),
    ("Russia Time Zone 3", "Izhevsk, Samara"),
    ("Russian Standard Time", "Moscow, St. Petersburg"),
    ("SA Eastern Standard Time", "Cayenne, Fortaleza"),
    ("SA Pacific Standard Time", "Bogota, Lima, Quito, Rio Branco"),
    ("SA Western Standard Time", "Georgetown, La Paz, Manaus, San Juan"),
    ("SE Asia Standard Time", "Bangkok, Hanoi, Jakarta"),
    ("Saint Pierre Standard Time", "Saint Pierre and Miquelon"),
    ("Sakhalin Standard Time", "Sakhalin"),
    ("Samoa Standard Time", "Samoa"),
    ("Sao Tome Standard Time", "Sao Tome"),
    ("Saratov Standard Time", "Saratov"),
    ("Singapore Standard Time", "Kuala Lumpur, Singapore"),
    ("South Africa Standard Time", "Harare, Pretoria"),
    ("South Sudan Standard Time", "Juba"),
    ("Sri Lanka Standard Time", "Sri Jayawardenepura"),
    ("Sudan Standard Time", "Khartoum"),
    ("Syria Standard Time", "Damascus"),
    ("Taipei Standard Time", "Taipei"),
    ("Tasmania Standard Time", "Hobart"),
    ("Tocantins Standard Time", "Araguaina"),
    ("Tokyo Standard Time", "Osaka, Sapporo, Tokyo"),
    ("Tomsk Standard Time", "Tomsk"),
    ("Tonga Standard Time", "Nuku'alofa"),
    ("Transbaikal Standard Time", "Chita"),
    ("Turkey Standard Time", "Istanbul"),
    ("Turks And Caicos Standard Time", "Turks and Caicos"),
    ("US Eastern Standard Time", "Indiana (East)"),
    ("US Mountain Standard Time", "Arizona"),
    ("UTC", "Coordinated Universal Time"),
    ("UTC+12", "Coordinated Universal Time+12"),
    ("UTC+13", "Coordinated Universal Time+13"),
    ("UTC-02", "Coordinated Universal Time-02"),
    ("UTC-08", "Coordinated Universal Time-08"),
    ("UTC-09", "Coordinated Universal Time-09"),
    ("UTC-11", "Coordinated Universal Time-11"),
    ("Ulaanbaatar Standard Time", "Ulaanbaatar"),
    ("Venezuela Standard Time", "Caracas"),
    ("Vladivostok Standard Time", "Vladivostok"),
    ("Volgograd Standard Time", "Volgograd"),
    ("W. Australia Standard Time", "Perth"),
    ("W. Central Africa Standard Time", "West Central Africa"),
    ("W. Europe Standard Time", "Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"),
    ("W. Mongolia Standard Time", "Hovd"),
    ("West Asia Standard Time", "Ashgabat, Tashkent"),
    ("West Bank Standard Time", "Gaza, Hebron"),
    ("West Pacific Standard Time", "Guam, Port Moresby"),
    ("Yakutsk Standard Time", "Yakutsk"),
    ("Yukon Standard Time", "Yukon"),
)

HEADER = '''"""Windows zone names and the IANA zones they mean. Generated: do not edit.

Written by ``scripts/make_windows_zones.py`` on {date} from icalendar {icalendar}.
Keys are case-folded. A place may stand in several rows (there are two La Paz).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["PLACES", "WINDOWS_ZONES"]
'''


def windows_rows() -> dict[str, str]:
    """Windows ID as written to IANA zone: icalendar's table, then the extra rows over it."""
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    rows = dict(WINDOWS_TO_OLSON)
    rows.update({name: zone for name, zone, _ in EXTRA_ROWS})
    return rows


def place_rows(windows: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """One display name or place, normalised as the reader does it, to the zones it may mean."""
    from extcal.ical.zones.names import places

    found: dict[str, set[str]] = {}
    for name, *displays in DISPLAY_NAMES:
        if name not in windows:  # an older icalendar has fewer rows
            continue
        for display in displays:
            for place in places(display):
                found.setdefault(place, set()).add(windows[name])
    return {place: tuple(sorted(zones)) for place, zones in found.items()}


def render(date: str) -> str:
    """The whole text of the module, with ``date`` in its header."""
    windows = windows_rows()
    lines = [HEADER.format(date=date, icalendar=version("icalendar"))]
    lines.append("WINDOWS_ZONES: Final[Mapping[str, str]] = MappingProxyType(\n    {")
    folded = {name.casefold(): zone for name, zone in windows.items()}
    lines += [f'        "{name}": "{zone}",' for name, zone in sorted(folded.items())]
    lines.append("    }\n)\n")
    lines.append("PLACES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(\n    {")
    for place, zones in sorted(place_rows(windows).items()):
        inner = ", ".join(f'"{zone}"' for zone in zones) + ("," if len(zones) == 1 else "")
        lines.append(f'        "{place}": ({inner}),')
    lines.append("    }\n)\n")
    return "\n".join(lines)


def undated(text: str) -> str:
    """The module's text without the generation date."""
    return re.sub(r" on \d{4}-\d\d-\d\d from ", " from ", text, count=1)


def main(arguments: list[str] | None = None) -> int:
    """Write the module, or compare it under ``--check``; returns the exit status."""
    parser = argparse.ArgumentParser(description="Generate the Windows zone table.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 on a difference")
    parser.add_argument("--date", help="the date for the header, needed for writing")
    options = parser.parse_args(arguments)
    if not options.check and options.date is None:
        parser.error("say the date for the header: --date YYYY-MM-DD")
    text = render(options.date or "0000-00-00")
    if not options.check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.is_file() and undated(TARGET.read_text(encoding="utf-8")) == undated(text):
        return 0
    print(f"{TARGET.name} is not what this script writes; run it again", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
