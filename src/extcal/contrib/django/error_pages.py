"""What Django's error pages and error mails show of a request: no address."""

from __future__ import annotations

import re
from typing import Any

from django.http import QueryDict
from django.views.debug import SafeExceptionReporterFilter

# Of every address of the web, all but the server's name; "https://ada:secret@host/private" becomes
# "https://...". Also where an address has its : and / quoted, as in the body of a form.
_ADDRESS = re.compile(r"(?i)\b((?:https?|webcals?)(?::|%3a)(?:/|%2f){2})[^\s'\"<>]+")


def hidden(text: str) -> str:
    """``text`` without the addresses in it."""
    return _ADDRESS.sub(r"\1...", text)


class _Shown:
    """Stands for a variable whose repr has an address in it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


class AddressFilter(SafeExceptionReporterFilter):
    """Django's filter, and addresses are hidden in what was sent and in variables, always.

    Also with ``DEBUG``, because people paste real addresses into a project under development.
    """

    def get_post_parameters(self, request: Any) -> Any:
        """The fields of the form that was sent, without addresses."""
        sent = super().get_post_parameters(request)
        if not sent:
            return sent
        shown = QueryDict(mutable=True)
        for name, values in sent.lists() if hasattr(sent, "lists") else []:
            shown.setlist(name, [hidden(str(value)) for value in values])
        return shown

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> Any:
        """The variables of a frame, without addresses."""
        return [
            (name, self._without_addresses(value))
            for name, value in super().get_traceback_frame_variables(request, tb_frame)
        ]

    def _without_addresses(self, value: object) -> object:
        try:
            text = repr(value)
        except Exception:
            return value  # the page says so itself
        shown = hidden(text)
        return value if shown == text else _Shown(shown)
