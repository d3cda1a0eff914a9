"""German: the sentences of :mod:`extcal.messages`, table by table and key by key. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["TEXTS"]

_AS_WRITTEN = "jede Einheit so gelesen, wie sie da steht"
_DATES = "mehr als {most:,} Daten in RDATE und EXDATE"
_DAY_BLOCKED = "der Tag gilt als belegt"
_DAY_OF_MIDNIGHT = "gelesen als der Tag, an dem es irgendwo Mitternacht ist"
_DEEP = "zu tief verschachtelte Komponenten"
_DEFINITION_USED = "die Definition des Kalenders verwendet"
_DIGITS = "die ersten sechs, oder die vorhandenen, verwendet"
_FIRST_ONLY = "nur der erste Termin, danach unbekannt"
_IGNORED = "nicht beachtet"
_LATER_END = "das spätere Ende verwendet"
_LEFT_BUSY = "Termine bleiben belegt"
_LEFT_OUT = "ausgelassen"
_LONG_LINE = "eine Zeile {name} ist länger als {most:,} Bytes"
_NOT_ONE_VALUE = "{name} steht mehrmals da, und nicht mit einem Wert"
_NO_ZONE_NEAR = "eine Zeit in UTC, in {name} einer Serie von Tagen, ist in keiner Zone Mitternacht"
_ON_ITS_OWN = "als eigener Termin gelesen"
_OVERRIDE_MIDNIGHT = "eine RECURRENCE-ID in UTC, in einer Serie von Tagen, ist nirgends Mitternacht"
_SERIES_ZONE = "die Zone der Serie verwendet"
_STEPS = "mehr als {most:,} Schritte für Wiederholungen"
_TIME_DIGITS = "die einer Uhrzeit verwendet"
_UNKNOWN = "unbekannt"
_UNREADABLE_VALUE = "ein Wert von {name} ist nicht lesbar"
_UNTIL_IN_UTC = "UNTIL von {name} ist eine Zeit in UTC, und die Serie eine von Tagen"

_PROBLEMS: Mapping[str, tuple[str, str]] = {
    "bad_line": ("eine Zeile, die keine Eigenschaft ist", _IGNORED),
    "garbage": ("Text außerhalb des Kalenders", _IGNORED),
    "max_line_bytes": (_LONG_LINE, "abgeschnitten"),
    "max_nesting": (_DEEP, "übersprungen"),
    "missing_end": ("{name} wurde nie beendet", "hier beendet"),
    "not_utf8": ("Bytes, die kein UTF-8 sind", "als Windows-1252 gelesen"),
    "outside_calendar": ("eine Komponente außerhalb von VCALENDAR", "behalten"),
    "property_repeated": (_NOT_ONE_VALUE, "einer davon verwendet"),
    "stray_end": ("END:{name} ohne sein BEGIN", _IGNORED),
    "date_with_timed_end": (
        "ein DTSTART als Datum neben einem DTEND mit Uhrzeit und Zone",
        "beginnt dort um Mitternacht",
    ),
    "empty_duration": ("eine DURATION ohne eine Länge darin", _IGNORED),
    "end_before_start": ("DTEND liegt vor DTSTART", _DAY_BLOCKED),
    "end_is_date": (
        "ein DTEND als Datum neben einem DTSTART mit Uhrzeit",
        "endet um Mitternacht, oder mit dem Tag von DTSTART",
    ),
    "end_twice": ("sowohl DTEND als auch DURATION", _LATER_END),
    "event_lost": ("der DTSTART eines Termins ist nicht lesbar", _LEFT_OUT),
    "event_lost/missing": ("der DTSTART eines Termins fehlt", _LEFT_OUT),
    "floating_end": (
        "ein DTEND ohne Zone neben einem DTSTART mit einer",
        "die Zone von DTSTART verwendet",
    ),
    "floating_override": (
        "der DTSTART eines geänderten Termins hat keine Zone, seine Serie hat eine",
        _SERIES_ZONE,
    ),
    "floating_start": (
        "ein DTSTART ohne Zone neben einem DTEND mit einer",
        "die Zone von DTEND verwendet",
    ),
    "negative_duration": ("eine negative DURATION", "ihr Betrag verwendet"),
    "odd_digits": ("die Uhrzeit von {name} hat mehr oder weniger als sechs Ziffern", _DIGITS),
    "odd_digits/date": ("der DTSTART ist kein Datum, beginnt aber wie eines", "so gelesen"),
    "odd_duration": ("die Einheiten von DURATION:{value} sind nicht in Ordnung", _AS_WRITTEN),
    "property_repeated/ends": ("{name} steht mehrmals da", _LATER_END),
    "property_repeated/starts": (
        "{count} verschiedene DTSTART in einem Termin",
        "alle davon belegen Zeit",
    ),
    "unreadable_end": ("{name} ist nicht lesbar", _DAY_BLOCKED),
    "unreadable_end/time": ("die Uhrzeit eines DTEND ist nicht lesbar", _DAY_BLOCKED),
    "unreadable_start": ("die Uhrzeit eines DTSTART ist nicht lesbar", _DAY_BLOCKED),
    "bad_recurrence_id": ("die RECURRENCE-ID ist nicht lesbar", _ON_ITS_OWN),
    "property_repeated/blocking": (_NOT_ONE_VALUE, "der Wert verwendet, der Zeit belegt"),
    "property_repeated/class": (_NOT_ONE_VALUE, "der private Wert verwendet"),
    "property_repeated/both": (_NOT_ONE_VALUE, "auf beide Arten gelesen"),
    "property_repeated/recurrence_ids": (
        "mehrere RECURRENCE-ID in einem Termin",
        _ON_ITS_OWN,
    ),
    "property_repeated/uids": ("zwei UID in einem Termin", _ON_ITS_OWN),
    "range_unknown": ("RANGE={value} ist kein Bereich von Terminen", "als ein Termin gelesen"),
    "bad_date": (_UNREADABLE_VALUE, _IGNORED),
    "bad_date/day": (_UNREADABLE_VALUE, _DAY_BLOCKED),
    "bad_date/end": ("ein Wert von {name} hat ein Ende, das nicht lesbar ist", _DAY_BLOCKED),
    "date_unclear": (_NO_ZONE_NEAR, "der genannte Tag gilt als belegt"),
    "date_unclear/midnight": (_NO_ZONE_NEAR, _DAY_OF_MIDNIGHT),
    "floating_end/date": (
        "ein Wert von {name} hat ein Ende ohne Zone",
        "die Zone seines Anfangs verwendet",
    ),
    "max_dates": (_DATES, _LEFT_BUSY),
    "max_dates_per_series": (_DATES, _LEFT_BUSY),
    "odd_digits/list": (
        "ein Wert von {name} hat mehr oder weniger als sechs Ziffern einer Uhrzeit",
        _TIME_DIGITS,
    ),
    "odd_duration/date": (
        "ein Wert von {name} hat Einheiten, die nicht in Ordnung sind",
        _AS_WRITTEN,
    ),
    "date_unclear/override": (_OVERRIDE_MIDNIGHT, "kein Termin ersetzt"),
    "date_unclear/override-midnight": (_OVERRIDE_MIDNIGHT, _DAY_OF_MIDNIGHT),
    "exrule_stopped": ("eine EXRULE wurde nicht bis zum Ende verfolgt", _LEFT_BUSY),
    "exrule_unclear": ("eine EXRULE ist nicht sicher lesbar", _LEFT_BUSY),
    "floating_recurrence_id": (
        "die RECURRENCE-ID eines geänderten Termins hat keine Zone, seine Serie hat eine",
        _SERIES_ZONE,
    ),
    "rule_in_override": (
        "ein geänderter Termin mit einer eigenen Wiederholung",
        "die Wiederholung nicht beachtet",
    ),
    "until_unclear": (_UNTIL_IN_UTC, "der späteste Tag verwendet, der gemeint sein kann"),
    "until_unclear/exrule": (
        _UNTIL_IN_UTC,
        "der früheste Tag verwendet, der gemeint sein kann",
    ),
    "odd_digits/until": (
        "UNTIL={value} hat mehr oder weniger als sechs Ziffern einer Uhrzeit.",
        _DIGITS,
    ),
    "recurrence_empty": ("Die Wiederholungsregel ist leer.", _IGNORED),
    "recurrence_empty_part": ("Der Teil {name} der Wiederholungsregel ist leer.", _IGNORED),
    "recurrence_interval": ("INTERVAL={value} ist kein Abstand.", "als 1 gelesen"),
    "recurrence_ordinal": (
        "BYDAY hat Nummern, die mit FREQ={freq} nichts bedeuten.",
        "Nummern weggelassen",
    ),
    "recurrence_ordinal/weeks": (
        "BYDAY hat Nummern, die mit FREQ={freq} und BYWEEKNO nichts bedeuten.",
        "Nummern weggelassen",
    ),
    "recurrence_part_not_allowed": (
        "{names} darf mit FREQ={freq} nicht verwendet werden.",
        "als Filter gelesen",
    ),
    "recurrence_repeated_part": ("{name} steht mehr als einmal da.", "zusammengefasst"),
    "recurrence_set_pos": ("BYSETPOS steht ohne einen anderen Teil BYxxx da.", _IGNORED),
    "recurrence_skip": ("SKIP steht ohne RSCALE da.", "als GREGORIAN gelesen"),
    "recurrence_time_of_date": (
        "BYHOUR, BYMINUTE und BYSECOND bedeuten nichts für einen DTSTART als Datum.",
        _IGNORED,
    ),
    "recurrence_time_of_date/freq": (
        "FREQ={freq} bedeutet nichts für einen DTSTART als Datum.",
        "als DAILY gelesen",
    ),
    "recurrence_too_dense": (
        "Die Wiederholungsregel nennt {count} Uhrzeiten eines Tages.",
        _FIRST_ONLY,
    ),
    "recurrence_two_ends": ("COUNT und UNTIL stehen beide da.", "beide beachtet"),
    "recurrence_uncertain/count": ("COUNT={value} ist keine Anzahl.", _IGNORED),
    "recurrence_uncertain/until": ("UNTIL={value} ist kein Datum.", _IGNORED),
    "recurrence_uncertain/until-time": (
        "Die Uhrzeit von UNTIL={value} ist nicht lesbar.",
        "der ganze Tag eingeschlossen",
    ),
    "recurrence_unknown_part": ("{part} ist kein Teil einer Wiederholungsregel.", _IGNORED),
    "recurrence_unparsed": ("Die Wiederholungsregel ist nicht lesbar: {reason}.", _FIRST_ONLY),
    "recurrence_week_start": ("WKST={value} ist kein Wochentag.", "als MO gelesen"),
    "floating_assumed": (
        "Zeiten ohne Zone wurden als UTC gelesen; timezone= nennt die Zone des Besitzers",
        "UTC angenommen",
    ),
    "tz_assumed": ("keine Zone hat den Namen {name}", "{zone} angenommen"),
    "tz_beside_utc": ("TZID steht bei Zeiten in UTC", "TZID nicht beachtet"),
    "tz_conflict": (
        "die VTIMEZONE {name} weicht von der Windows-Zone dieses Namens ab",
        _DEFINITION_USED,
    ),
    "tz_conflict/offset": (
        "die VTIMEZONE {name} ist nicht, was ihr Name bedeutet",
        _DEFINITION_USED,
    ),
    "tz_duplicate": (
        "{count} verschiedene VTIMEZONE haben den Namen {name}",
        "die neueste, sonst die nach ihrem Inhalt größte, verwendet",
    ),
    "tz_observance/from": ("{part} hat kein brauchbares TZOFFSETFROM", _LEFT_OUT),
    "tz_observance/rule": ("{part} hat eine RRULE, die nicht lesbar ist", _LEFT_OUT),
    "tz_observance/start": ("{part} hat keinen brauchbaren DTSTART", _LEFT_OUT),
    "tz_observance/to": ("{part} hat kein brauchbares TZOFFSETTO", _LEFT_OUT),
    "tz_relaxed": (
        "die VTIMEZONE {name} ist nicht lesbar, wie sie da steht",
        "{zone} verwendet",
    ),
    "tz_unusable": ("die VTIMEZONE {name} hat keinen brauchbaren Abschnitt", _IGNORED),
    "x_wr_timezone_conflict": (
        "die Kalender dieser Datei nennen mehrere Zonen, und einer nennt keine",
        "{zone} angenommen",
    ),
    "x_wr_timezone_unknown": ("X-WR-TIMEZONE {name} nennt keine bekannte Zone", _IGNORED),
    "availability_bounds": (
        "eine Grenze einer VAVAILABILITY ist nicht lesbar",
        "reicht so weit, wie gefragt wird",
    ),
    "available_unclear": ("ein AVAILABLE ist nicht sicher lesbar", "nicht verfügbar"),
    "bad_period": (
        "eine Zeit in FREEBUSY ist nicht lesbar",
        "unbekannt, was ihre Komponente umfasst",
    ),
    "freebusy_in_bounds": (
        "ein VFREEBUSY mit einer Eigenschaft FBTYPE und ohne FREEBUSY",
        "DTSTART und DTEND als Zeitraum gelesen",
    ),
    "odd_digits/period": (
        "eine Zeit in FREEBUSY hat mehr oder weniger als sechs Ziffern",
        _TIME_DIGITS,
    ),
    "odd_duration/period": (
        "eine Zeit in FREEBUSY hat Einheiten, die nicht in Ordnung sind",
        _AS_WRITTEN,
    ),
    "property_repeated/availability": (
        "{name} einer VAVAILABILITY steht mehrmals da",
        "nichts darin ist verfügbar",
    ),
    "property_repeated/fbtypes": ("mehrere FBTYPE", "der stärkste verwendet"),
    "years": ("Kalender werden von {first} bis {last} gelesen", _UNKNOWN),
    "internal_error": ("etwas war wegen eines Fehlers in extcal nicht lesbar", _UNKNOWN),
    "max_problems": ("und {count} weitere Probleme", "gezählt"),
    "chunked_twice": (
        "die Quelle sagt mehr als einmal, dass die Antwort in Stücken kommt",
        "gelesen wie einmal gesagt",
    ),
    "encoding_unknown": (
        "die Quelle sagt, der Kalender sei komprimiert, auf eine Art, die es nicht gibt",
        "gelesen, wie er ist",
    ),
    "ended_early": (
        "die Verbindung endete, bevor die Quelle es ankündigte; der Kalender ist vollständig",
        "gelesen",
    ),
    "gzip_unannounced": (
        "der Kalender ist komprimiert, und die Quelle sagt es nicht",
        "gelesen",
    ),
    "last_line_cut": (
        "die Quelle kündigte zu wenige Bytes an, und die letzte Zeile ist abgeschnitten; der"
        " Kalender ist vollständig",
        "gelesen",
    ),
    "moved_permanently": (
        "die Quelle sagt, der Kalender sei für immer umgezogen, zur Adresse #{moved_to}",
        "diesmal gefolgt",
    ),
    "no_source": ("niemand sagt, wann diese Person belegt ist", _UNKNOWN),
    "old_copy": (
        "die Quelle wurde gefragt, und ein Zwischenspeicher auf dem Weg hatte nichts Neueres",
        "als STALE verwendet und noch einmal gefragt",
    ),
    "other_rules": (
        "gelesen mit anderen Daten der Zeitzonen oder von einer anderen Version von extcal; wird"
        " binnen einer halben Stunde neu gelesen",
        "bis dahin als STALE verwendet",
    ),
    "outside_horizon": (
        "die gefragte Zeit liegt außerhalb dessen, wofür ein Kalender bekannt ist",
        _UNKNOWN,
    ),
    "suddenly_empty": (
        "der Kalender hatte Termine und hat jetzt gar keine; ist es noch der richtige?",
        "beim Wort genommen",
    ),
    "suddenly_empty/one": (
        "ein Kalender hatte Termine und hat jetzt gar keine",
        "beim Wort genommen",
    ),
}

_CAUSES: Mapping[str, str] = {
    "cut_body": "der Inhalt endet innerhalb von {name}",
    "max_availability": "mehr als {most:,} Komponenten VAVAILABILITY und AVAILABLE",
    "max_availability/instances": "mehr als {most:,} Zeiten aus AVAILABLE",
    "max_dates": _DATES,
    "max_dates_per_series": _DATES,
    "max_line_bytes": _LONG_LINE,
    "max_lines": "mehr als {most:,} Zeilen",
    "max_nesting": _DEEP,
    "max_observances": "VTIMEZONE haben mehr Abschnitte, als gelesen werden",
    "max_overrides": "mehr als {most:,} geänderte Termine",
    "max_overrides_per_series": "mehr als {most:,} geänderte Termine",
    "max_steps": _STEPS,
    "max_steps/readings": "mehr als {most:,} Schritte für alle Lesarten eines Termins",
    "max_steps/zone": "die Regeln einer VTIMEZONE brauchen zu viele Schritte",
    "max_timezones": "der Kalender definiert mehr Zeitzonen, als gelesen werden",
    "max_transitions": "eine VTIMEZONE hat mehr Umstellungen, als gelesen werden",
    "max_tzids": "mehr als {most:,} Namen von Zonen",
    "max_versions": "mehr als {most:,} Kopien eines Termins",
    "max_vevents": "mehr als {most:,} Termine",
    "max_work": "mehr zu lesen, als {most:,} Arbeitseinheiten erlauben",
}

_LOOKS_LIKE: Mapping[str, str] = {
    "address": "eine Adresse; übergeben Sie den Inhalt, oder fragen Sie einen CalendarCache",
    "file": "der Name einer Datei; übergeben Sie deren Bytes, wie mit Path(...).read_bytes()",
    "empty": "ein leerer Inhalt",
    "html": "eine HTML-Seite",
    "json": "JSON",
    "pdf": "ein PDF",
    "xml": "XML oder HTML",
}

_OTHER_STRINGS = "Der Betreiber kann mit HttpFetcher(user_agents=...) andere angeben."

_HINTS: Mapping[str, str] = {
    "blocked_address": "Die Verbindung führte zu einer IP-Adresse, die nicht geprüft war.",
    "blocked_url/file": "Hier werden nur Adressen mit file: gelesen.",
    "blocked_url/length": "Die Adresse ist länger als erlaubt.",
    "blocked_url/root": "Die Datei liegt nicht in dem Ordner, der gelesen werden darf.",
    "connect": "Der Server ist nicht erreichbar.",
    "connect/closed": "Der Server schloss die Verbindung ohne eine Antwort.",
    "connect/proxy": "Der Proxy verbindet nicht mit dem Server.",
    "dns": "Der Name des Servers ist nicht bekannt.",
    "dns/slow": "Der Name des Servers ließ sich nicht rechtzeitig nachschlagen.",
    "not_found_file": "Diese Datei gibt es nicht, oder sie ist nicht lesbar.",
    "timeout": "Die Antwort ließ zu lange auf sich warten.",
    "tls": "Es kam keine verschlüsselte Verbindung mit dem Server zustande.",
    "tls/certificate": "Dem Zertifikat des Servers kann nicht vertraut werden.",
    "client_refused": "Die Server von Microsoft weisen Programme ab, deren User-Agent sie nicht"
    f" kennen; der Kalender selbst kann in Ordnung sein. {_OTHER_STRINGS}",
    "protocol": "Die Antwort des Servers ist kein HTTP.",
    "protocol/unasked": "Die Antwort des Servers passt nicht zur Anfrage.",
    "redirect_refused/http": "Der Server leitet zu unverschlüsseltem http weiter.",
    "redirect_refused/no-address": "Der Server leitet weiter, aber nicht zu einer Webadresse.",
    "redirect_refused/nowhere": "Der Server leitet weiter, nennt aber keine neue Adresse.",
    "redirect_refused/policy": "Der Server leitet zu einer Adresse weiter, die nicht erlaubt ist.",
    "redirect_refused/several": "Der Server leitet weiter, aber nicht zu genau einer Adresse.",
    "server_error": "Der Server hat selbst einen Fehler.",
    "server_error/microsoft": "Der Server von Microsoft hat selbst einen Fehler, oder er weist"
    f" dieses Programm wegen seines User-Agent ab, ohne es zu sagen. {_OTHER_STRINGS}",
    "too_many_redirects": "Der Server leitet immer wieder weiter.",
    "bad_encoding": "Die Antwort ist auf eine Art komprimiert, die nicht lesbar ist.",
    "bad_encoding/unasked": "Die Antwort ist auf eine Art komprimiert, um die niemand gebeten hat.",
    "empty": "Die Antwort ist leer.",
    "html": "Die Adresse führt zu einer Webseite, nicht zu einem Kalender.",
    "html/google": "Das ist die Anmeldeseite von Google: Die Adresse ist nicht die geheime Adresse"
    " des Kalenders, oder diese wurde zurückgesetzt.",
    "html/outlook": "Das ist die Anmeldeseite von Outlook: Der Kalender ist nicht mehr"
    " veröffentlicht.",
    "html/sign-in": "Das ist eine Anmeldeseite: Der Kalender ist nicht, oder nicht mehr,"
    " veröffentlicht.",
    "json": "Der Server antwortete mit Daten für Programme, wahrscheinlich einer Fehlermeldung.",
    "not_a_calendar": "Die Adresse führt zu etwas, das kein Kalender ist.",
    "not_a_calendar/contacts": "Die Adresse führt zu einem Adressbuch, nicht zu einem Kalender.",
    "not_a_calendar/part": "Die Antwort ist nur ein Teil eines Kalenders.",
    "not_a_calendar/pdf": "Die Adresse führt zu einem PDF-Dokument, nicht zu einem Kalender.",
    "not_a_calendar/xml": "Die Adresse führt zu einem XML-Dokument, nicht zu einem Kalender.",
    "not_a_calendar/zip": "Die Adresse führt zu einem ZIP-Archiv, nicht zu einem Kalender.",
    "too_large": "Der Kalender ist größer als erlaubt.",
    "too_large/answer": "Die Antwort ist größer als erlaubt.",
    "truncated": "Die Antwort endete zu früh.",
}

_PASTE_AGAIN = (
    "Kopieren Sie die Adresse noch einmal aus den Einstellungen des Kalenders, und fügen Sie sie"
    " neu ein."
)
_SOON = (
    "Sie müssen nichts tun; es wird in wenigen Minuten wieder versucht, und dann jede halbe Stunde."
)
_LASTS = " Wenn es länger als einen Tag dauert,"
_PASTE_ONCE_MORE = (
    " kopieren Sie die Adresse noch einmal aus den Einstellungen des Kalenders, und fügen Sie sie"
    " neu ein."
)
_HOURLY = " Einen Tag lang wird stündlich gefragt, weil manche Server das nur eine Zeit lang sagen."
_RUN_AGAIN = "Der Betreiber kann den Lauf neu starten; was vorher gelesen war, bleibt erhalten."
_ICS = "Fügen Sie die Adresse des ICS-Kalenders ein, nicht die einer Webseite."
_PUBLISHER = (
    "Es wird jede halbe Stunde wieder versucht. Wenn es länger als einige Stunden dauert, kann es"
    " nur beheben, wer den Kalender veröffentlicht: Geben Sie dort Bescheid, oder veröffentlichen"
    " Sie den Kalender neu, und fügen Sie seine neue Adresse ein."
)

_REASONS: Mapping[str, tuple[str, str]] = {
    "bad_encoding": (
        "die Antwort ist beschädigt, oder auf unbekannte Art komprimiert",
        _PUBLISHER,
    ),
    "blocked_address": (
        "die Adresse führt in ein Netz, das nicht erlaubt ist",
        "Fügen Sie eine Adresse ein, die jeder im Internet öffnen kann. Der Betreiber kann ein"
        " eigenes Netz mit HttpFetcher(allow_networks=...) erlauben, und Adressen, die ein NAT64"
        " übersetzt, mit allow_nat64=True.",
    ),
    "blocked_url": (
        "die Adresse ist keine, die erlaubt ist",
        "Fügen Sie eine Adresse ein, die mit https:// beginnt und die jeder im Internet öffnen"
        " kann. Der Betreiber kann mit HttpFetcher(policy=...) mehr erlauben.",
    ),
    "challenge": (
        "die Website hält Programme fern",
        "Wer den Kalender veröffentlicht, kann seine Adresse vom Schutz der Website ausnehmen;"
        " sonst kann es niemand. Wenn der Kalender auch anderswo veröffentlicht ist, fügen Sie"
        " jene Adresse ein.",
    ),
    "client_refused": (
        "der Anbieter weist dieses Programm wegen seines User-Agent ab",
        f"Die Adresse kann richtig sein. {_OTHER_STRINGS}",
    ),
    "connect": (
        "der Server ist nicht erreichbar",
        _SOON + _LASTS + " prüfen Sie die Adresse, oder fragen Sie, wer den Server betreibt. Wenn"
        " viele Kalender das sagen, kann der Betreiber den Weg dieser Maschine ins Internet"
        " prüfen.",
    ),
    "dns": (
        "der Name des Servers ist nicht zu finden",
        "Prüfen Sie den Namen des Servers in der Adresse. Wenn er stimmt, wird es in wenigen"
        " Minuten wieder versucht; der Betreiber kann die Nameserver dieser Maschine prüfen.",
    ),
    "empty": (
        "die Antwort ist leer",
        "Es wird jede halbe Stunde wieder versucht." + _LASTS + _PASTE_ONCE_MORE,
    ),
    "fetcher_error": (
        "der Fetcher ist gescheitert",
        "Am Kalender und seiner Adresse liegt es nicht. Der Betreiber kann die Art des Fehlers im"
        " Protokoll finden, und den Grund im Fetcher oder in dem, was ihm übergeben wurde.",
    ),
    "forbidden": (
        "der Server erlaubt es nicht (403)",
        "Prüfen Sie, ob der Kalender noch veröffentlicht ist; kopieren Sie dann seine Adresse noch"
        " einmal, und fügen Sie sie neu ein." + _HOURLY,
    ),
    "gone": (
        "er ist nicht mehr veröffentlicht",
        "Veröffentlichen Sie den Kalender wieder in seinen Einstellungen, und fügen Sie seine neue"
        " Adresse ein. Die alte wird einmal am Tag wieder gefragt.",
    ),
    "html": ("die Antwort ist eine Webseite", _ICS),
    "incomplete": ("die Antwort wurde abgeschnitten", _PUBLISHER),
    "json": ("die Antwort sind Daten anderer Art", _ICS),
    "not_a_calendar": ("die Antwort ist kein Kalender", _ICS),
    "not_found": ("der Server kennt ihn nicht (404)", _PASTE_AGAIN),
    "not_found_file": (
        "die Datei gibt es nicht",
        "Prüfen Sie ihren Pfad in der Adresse. Die Datei wird jede halbe Stunde wieder gesucht.",
    ),
    "no_thread": (
        "dieser Rechner erlaubt dem Programm keine weiteren Threads",
        "Der Betreiber kann diese Grenze anheben oder beenden, was die Threads belegt; danach wird"
        " sofort wieder angefragt.",
    ),
    "not_refreshed": ("er wurde nicht angefragt, weil es keine Worker mehr gibt", _RUN_AGAIN),
    "protocol": ("die Antwort ist kein richtiges HTTP", _PUBLISHER),
    "rate_limited": (
        "der Server wurde zu oft gefragt und will später gefragt werden (429)",
        "Sie müssen nichts tun; es wird wieder gefragt, wenn der Server es erlaubt, spätestens in"
        " sechs Stunden. Wenn viele Kalender eines Anbieters das sagen, kann der Betreiber mit"
        " HttpFetcher(max_fetches_per_host=...) weniger auf einmal abrufen.",
    ),
    "redirect_refused": (
        "er führt zu einer Adresse, die nicht erlaubt ist",
        _PASTE_AGAIN + " Der Betreiber kann mit HttpFetcher(policy=...) mehr erlauben.",
    ),
    "refused": (
        "der Server weist die Anfrage ab",
        "Es wird in wenigen Minuten wieder versucht, und dann jede halbe Stunde."
        + _LASTS
        + _PASTE_ONCE_MORE,
    ),
    "server_error": (
        "der Server ist gescheitert",
        _SOON + _LASTS + " sagen Sie es dem, der den Kalender veröffentlicht.",
    ),
    "timeout": (
        "es dauerte zu lange",
        _SOON + _LASTS + " veröffentlichen Sie einen kürzeren Teil des Kalenders; der Betreiber"
        " kann mit Limits(fetch_deadline=...) mehr Zeit erlauben.",
    ),
    "tls": (
        "die Verbindung ist nicht sicher",
        "Wer den Server betreibt, muss sein Zertifikat erneuern, oder TLS 1.2 oder neuer mit"
        " Forward Secrecy einschalten. Der Betreiber kann eigenen Zertifizierungsstellen mit"
        " HttpFetcher(ssl_context=...) vertrauen.",
    ),
    "too_large": (
        "er ist zu groß",
        "Veröffentlichen Sie einen kürzeren Teil des Kalenders; der Betreiber kann mit Limits(...)"
        " mehr erlauben.",
    ),
    "too_many_redirects": (
        "die Adresse leitet zu oft weiter",
        _PASTE_AGAIN + " Hilft das nicht, sagen Sie es dem, der den Kalender veröffentlicht.",
    ),
    "truncated": ("die Antwort wurde abgeschnitten", _PUBLISHER),
    "unauthorized": (
        "der Server will eine Anmeldung (401)",
        "Fügen Sie die geheime oder veröffentlichte Adresse des Kalenders ein; oder schreiben Sie"
        " Namen und Passwort hinein (https://name:password@...)." + _HOURLY,
    ),
    "unreadable": (
        "er war wegen eines Fehlers in extcal nicht lesbar",
        "Am Kalender und seiner Adresse liegt es nicht. Bitte melden Sie es.",
    ),
    "wrong_password": (
        "der Server nimmt Namen und Passwort nicht an (401)",
        "Prüfen Sie beides, und geben Sie es neu ein; wo die Anmeldung in zwei Schritten"
        " eingeschaltet ist, will der Server ein App-Passwort, das in seinen"
        " Sicherheitseinstellungen gemacht wird.",
    ),
    "worker_lost": ("der Worker, der ihn lesen sollte, ist verloren", _RUN_AGAIN),
    "other": ("er ist nicht lesbar", _PUBLISHER),
}

_COPY_AGAIN = "Kopieren Sie die Adresse noch einmal aus den Einstellungen des Kalenders."
_LOGIN = (
    "Nehmen Sie die geheime oder veröffentlichte Adresse des Kalenders; oder schreiben Sie Namen"
    " und Passwort in die Adresse (https://name:password@...), mit %40 für ein @ und %3A für ein"
    " : darin."
)
_WHOLE_ADDRESS = "Fügen Sie die ganze Adresse ein; sie beginnt mit https:// oder webcal://."
_HTTPS = "Fügen Sie die Adresse ein, die mit https:// beginnt."
_FULL_NAME = "Der Server eines Kalenders hat einen vollen Namen wie calendar.example.org."
_PUBLISHED = "Fügen Sie eine Adresse ein, die jeder im Internet öffnen kann."
_BAD_HOST = "Der Teil der Adresse, der den Server nennt, ist nicht lesbar."
_NOT_PUBLIC = "Die Adresse führt in ein Netz, das nicht öffentlich ist."
_NO_FEED = "Das nennt einen Kalender oder ein Postfach, ist aber nicht die Adresse eines Kalenders."

_REFUSALS: Mapping[str, tuple[str, str | None]] = {
    "empty": ("Die Adresse ist leer.", _WHOLE_ADDRESS),
    "too-long": ("Die Adresse ist länger als {length} Zeichen.", _COPY_AGAIN),
    "too-long/text": ("Das ist länger als jede Adresse.", None),
    "scheme": ("Das ist nicht die Adresse eines Kalenders.", _WHOLE_ADDRESS),
    "chars": (
        "Die Adresse hat ein Zeichen, das Adressen nicht haben können (ein Anführungszeichen, einen"
        " Buchstaben außerhalb von ASCII).",
        "Kopieren Sie die Adresse noch einmal; ein Name mit anderen Buchstaben wird in seiner Form"
        " mit xn-- geschrieben.",
    ),
    "chars/cut": (
        "Ein Teil der Adresse fehlt: An seiner Stelle stehen Punkte.",
        "Kopieren Sie die ganze Adresse noch einmal, mit dem Knopf daneben, wenn es einen gibt.",
    ),
    "chars/around": (
        "In der Adresse ist ein Leerzeichen oder ein Zeilenende, oder es steht Text davor oder"
        " dahinter.",
        "Kopieren Sie die Adresse noch einmal, allein und in einer Zeile; sie beginnt mit https://"
        " oder webcal://.",
    ),
    "chars/hidden": (
        "In der Adresse ist ein unsichtbares Zeichen, wie Chats und Textprogramme sie einfügen.",
        _COPY_AGAIN,
    ),
    "chars/two": (
        "Das sind zwei Adressen.",
        "Kopieren Sie eine davon noch einmal, von https:// bis zu ihrem Ende; die andere ist ein"
        " anderer Kalender.",
    ),
    "host": (_BAD_HOST, _COPY_AGAIN),
    "host/file": (
        "Die Adresse nennt eine Datei einer anderen Maschine.",
        "Eine Adresse mit file: nennt eine Datei dieser Maschine: file:///pfad.",
    ),
    "pct-host": (_BAD_HOST, _COPY_AGAIN),
    "port": ("Der Port in der Adresse ist nicht lesbar.", _COPY_AGAIN),
    "ip-odd": ("Die Adresse schreibt eine IP-Adresse auf ungewöhnliche Art.", _COPY_AGAIN),
    "userinfo": ("Die Adresse enthält einen Benutzernamen ohne Passwort.", _LOGIN),
    "userinfo/unreadable": (
        "Name und Passwort in der Adresse sind nicht sicher lesbar.",
        _LOGIN,
    ),
    "userinfo/http": (
        "Die Adresse würde Namen und Passwort unverschlüsselt senden (http).",
        _HTTPS + " Oder nehmen Sie die geheime oder veröffentlichte Adresse des Kalenders.",
    ),
    "userinfo/here": ("Ein Name und ein Passwort werden hier nicht angenommen.", _COPY_AGAIN),
    "scheme/calendar": ("Das ist ein Kalender selbst, nicht seine Adresse.", None),
    "scheme/file": ("Das ist eine Datei, keine Adresse im Web.", None),
    "scheme/file-name": ("Das ist der Name einer Datei, keine Adresse.", None),
    "calendar-id": (_NO_FEED, None),
    "e-mail": (_NO_FEED, None),
    "page": ("Das ist die Adresse einer Seite für Menschen, nicht eines Kalenders.", None),
    "page/caldav": (
        "Das ist die Adresse eines Kalenders für Kalenderprogramme (CalDAV), nicht die eines"
        " veröffentlichten.",
        None,
    ),
    "page/mail": ("Das ist der Link eines Mailprogramms und führt zu keinem Kalender.", None),
    "scheme/web": ("Nur Adressen im Web werden abgerufen.", _HTTPS),
    "http": ("Die Adresse ist nicht verschlüsselt (http).", _HTTPS),
    "http/private": (_NOT_PUBLIC, _PUBLISHED),
    "port/policy": (
        "Die Adresse nennt einen Port, von dem Kalender nicht abgerufen werden.",
        _PUBLISHED,
    ),
    "single-label": ("Die Adresse nennt eine Maschine eines lokalen Netzes.", _FULL_NAME),
    "special-use": ("Die Adresse nennt eine Maschine eines privaten Netzes.", _PUBLISHED),
    "ip-literal": ("Die Adresse nennt einen Server mit Nummer statt mit Namen.", _FULL_NAME),
    "ip-not-public": (_NOT_PUBLIC, _PUBLISHED),
    "ip-zone": (_NOT_PUBLIC, _PUBLISHED),
    "ip-odd/answer": ("Der Name des Servers hat eine Adresse, die nicht lesbar ist.", _PUBLISHED),
    "address-policy": (
        "Die Adresse führt in ein Netz, das dieser Dienst nicht benutzt.",
        _PUBLISHED,
    ),
    "dns-empty": ("Der Name des Servers hat keine Adresse.", _PUBLISHED),
    "dns-many": (
        "Der Name des Servers hat zu viele Adressen, um alle zu prüfen.",
        _PUBLISHED,
    ),
}

_ANYWHERE = (
    "Suchen Sie in den Einstellungen des Kalenders nach einem Link mit ICS, iCal oder webcal, um"
    " ihn zu teilen oder zu veröffentlichen, und fügen Sie diesen ein."
)

_WHERE_TO_FIND: Mapping[str, str] = {
    "any": _ANYWHERE + " In Google Kalender ist es die „Privatadresse im iCal-Format“ unter"
    " Einstellungen, Ihr Kalender, „Kalender integrieren“.",
    "google": "Öffnen Sie Google Kalender an einem Computer, darin die Einstellungen, wählen Sie"
    " links Ihren Kalender, dann „Kalender integrieren“, und kopieren Sie die „Privatadresse im"
    " iCal-Format“.",
    "outlook": "Öffnen Sie Outlook im Web, darin Einstellungen, Kalender, „Freigegebene Kalender“,"
    " veröffentlichen Sie Ihren Kalender unter „Kalender veröffentlichen“, und kopieren Sie den"
    " ICS-Link (nicht den HTML-Link).",
    "icloud": "Teilen Sie den Kalender in der App Kalender oder auf icloud.com als „Öffentlicher"
    " Kalender“, und kopieren Sie seinen Link; er beginnt mit webcal://.",
    "nextcloud": "Öffnen Sie im Nextcloud-Kalender das Menü des Kalenders, teilen Sie ihn als"
    " Link, und nehmen Sie „Abonnement-Link kopieren“.",
    "proton": "Öffnen Sie im Proton-Kalender die Einstellungen, Ihren Kalender, „Außerhalb von"
    " Proton teilen“, erstellen Sie einen Link, und kopieren Sie ihn.",
    "fastmail": "Öffnen Sie in Fastmail Einstellungen, Kalender, Ihren Kalender, schalten Sie"
    " „Öffentliche URL“ oder einen privaten Link ein, und kopieren Sie ihn; er endet auf .ics.",
    "yahoo": "Öffnen Sie im Yahoo-Kalender das Menü des Kalenders, Teilen, erstellen Sie Links, und"
    " kopieren Sie den Link zum Importieren in eine Kalender-App (ICS).",
    "zoho": "Öffnen Sie im Zoho-Kalender Einstellungen, Meine Kalender, Ihren Kalender, „Export und"
    " Synchronisierung“, und kopieren Sie die iCal-Adresse.",
    "sogo": "Öffnen Sie in SOGo das Menü des Kalenders, „Links zu diesem Kalender“, und kopieren"
    " Sie die „WebDAV ICS URL“ unter „Öffentlicher Zugriff“; wenn sie eine Anmeldung braucht,"
    " schreiben Sie Namen und Passwort hinein (https://name:password@...).",
    "zimbra": "Geben Sie den Kalender in Zimbra für alle frei, und fügen Sie"
    " https://SERVER/home/KONTO/KALENDER.ics mit Ihrem Server, Konto und Kalender ein; ist er nicht"
    " freigegeben, schreiben Sie Namen und Passwort vor den Server (https://name:password@...).",
    "kerio": "Kerio Connect hat einen Kalender unter https://SERVER/ical/KONTO/KALENDER; fügen Sie"
    " das mit Namen und Passwort vor dem Server ein (https://name:password@...), oder fragen Sie"
    " die Verwaltung des Servers nach der iCal-Adresse des Kalenders.",
    "yandex": "Öffnen Sie in Yandex Kalender die Einstellungen des Kalenders, „Export“, und"
    " kopieren Sie den iCal-Link; er enthält export/ics.xml.",
    "teamsnap": "Öffnen Sie in TeamSnap den Spielplan der Mannschaft, wählen Sie, ihn zu abonnieren"
    " oder mit Ihrem Kalender zu synchronisieren, und kopieren Sie den Link.",
    "airbnb": "Öffnen Sie in Airbnb den Kalender des Inserats, seine Einstellungen zur"
    " Verfügbarkeit, „Mit einer anderen Website verbinden“, und kopieren Sie den Link des"
    " Airbnb-Kalenders.",
    "booking": "Öffnen Sie im Extranet von Booking.com „Preise & Verfügbarkeit“, „Kalender"
    " synchronisieren“, und kopieren Sie den Link zum Exportieren des Kalenders.",
    "untis": "Öffnen Sie in WebUntis Ihren Stundenplan, und kopieren Sie den Link hinter seinem"
    " iCal-Knopf; fehlt er, hat die Schule ihn abgeschaltet, und ihre Verwaltung kann ihn"
    " einschalten.",
    "caldav": "Suchen Sie im Kalenderprogramm dieses Servers nach einem Link, der den Kalender"
    " veröffentlicht; oder schreiben Sie Namen und Passwort in die Adresse"
    " (https://name:password@...).",
}

_PICTURES: Mapping[str, str] = {
    "all-day": "{day}, ganztägig",
    "as-of": "Stand {day} {time}",
    "date": "{weekday} {day}. {month}",
    "days": "{first} – {last}",
    "times-in": "Zeiten in {zone}",
    "times-in/timeline": "Zeiten in {zone}, jeder Tag {first}–{last}",
    "all-day-events": "Ganztägig",
    "as-text": "Als Text zeigen",
    "busy-time": "Belegte Zeit",
    "everybody": "Alle",
    "events": "Termine",
    "free": "Frei",
    "no-title/private": "Privat",
    "none": "Keine",
    "now": "Jetzt",
    "not-drawn": "{count} weitere nicht gezeichnet",
    "outside": "Nicht gefragt",
    "outside/partly": "Teilweise nicht gefragt",
    "slots": "Freie Zeiten",
    "who": "Wer",
    "working-hours": "Arbeitszeit",
    "described": "{who}: {what}, {when}.",
    "described/more": "Und {count} weitere.",
    "summary": "Verfügbarkeit von {who}, {days}, {times}.",
    "summary/days": "{first} bis {last}",
    "summary/nobody": "niemandem",
    "summary/others": "{names} und {count} weiteren",
    "nothing-known": "Von diesem Kalender ist nichts bekannt.",
}

_TYPES: Mapping[str, str] = {
    "BUSY-UNAVAILABLE": "Nicht verfügbar",
    "BUSY": "Belegt",
    "BUSY-TENTATIVE": "Mit Vorbehalt",
    "WORKING-ELSEWHERE": "Arbeitet anderswo",
    "FREE": "Belegt keine Zeit",
    "UNKNOWN": "Unbekannt",
    "SLOT": "Freie Zeit",
}

_WEEKDAYS: Mapping[str, str] = {
    "Mon": "Mo", "Tue": "Di", "Wed": "Mi", "Thu": "Do", "Fri": "Fr", "Sat": "Sa", "Sun": "So",
}  # fmt: skip
_MONTHS: Mapping[str, str] = {
    "Jan": "Januar", "Feb": "Februar", "Mar": "März", "Apr": "April", "May": "Mai", "Jun": "Juni",
    "Jul": "Juli", "Aug": "August", "Sep": "September", "Oct": "Oktober", "Nov": "November",
    "Dec": "Dezember",
}  # fmt: skip


def _texts() -> dict[str, str]:
    found = {
        "no-calendar": "darin ist kein VCALENDAR",
        "no-calendar/seems": "{message}; es sieht aus wie {looks_like}",
        "unavailable": "Der Kalender ist nicht verfügbar: {reason}.",
        "unavailable/one": "ein Kalender war nicht lesbar: {reason}",
        "outside-horizon": "der Kalender ist von {first:%Y-%m-%d %H:%M} bis {last:%Y-%m-%d %H:%M}"
        " UTC bekannt, und die gefragte Zeit liegt außerhalb; CalendarCache(horizon=...,"
        " history=...) sagt, wie weit er blickt",
        "served-before": "die letzte gute Lesung verwendet",
    }
    for table, second, pairs in (
        ("problem", "action", _PROBLEMS),
        ("reason", "advice", _REASONS),
        ("refusal", "advice", _REFUSALS),
    ):
        for key, (text, other) in pairs.items():
            found[f"{table}.{key}"] = text
            if other is not None:
                found[f"{table}.{key}.{second}"] = other
    for table, texts in (
        ("unknown", _CAUSES),
        ("seems", _LOOKS_LIKE),
        ("hint", _HINTS),
        ("where", _WHERE_TO_FIND),
        ("picture", _PICTURES),
        ("type", _TYPES),
        ("weekday", _WEEKDAYS),
        ("month", _MONTHS),
    ):
        found.update({f"{table}.{key}": text for key, text in texts.items()})
    return found


TEXTS: Final[Mapping[str, str]] = MappingProxyType(_texts())
"""By the ids of :func:`extcal.messages.languages.sentences`."""
