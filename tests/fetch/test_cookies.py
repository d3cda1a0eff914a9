"""Cookies live within one fetch and one origin (RFC 6265, as little of it as servers need)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal.fetch.http.message.cookies import (
    MAX_COOKIE_BYTES,
    MAX_COOKIES,
    Cookie,
    cookie_header,
    with_cookies,
)
from extcal.fetch.http.message.head import Head

pytestmark = pytest.mark.core

ORIGIN = ("https", "calendar.example.net", 443)


def sent(*fields: str, known: tuple[Cookie, ...] = ()) -> str | None:
    head = Head(302, tuple(("set-cookie", field) for field in fields))
    return cookie_header(with_cookies(known, ORIGIN, head), ORIGIN)


@pytest.mark.parametrize(
    ("fields", "header"),
    [
        ([], None),
        (["a=b"], "a=b"),
        (["a=b; Path=/x; Domain=example.net; Secure; HttpOnly; SameSite=Strict"], "a=b"),
        (["a=b", "c=d"], "a=b; c=d"),
        (["a=b", "a=c"], "a=c"),
        (['a="b c"; Path=/'], 'a="b c"'),
        (["a="], "a="),
        (["a=b=c=="], "a=b=c=="),
        ([" a = b ;x"], "a=b"),
        (["a=b; Max-Age=0"], None),
        (["a=b", "a=; Max-Age=-1"], None),
        (["a=b", "a=x; expires=Thu, 01 Jan 1970 00:00:00 GMT"], None),
        (["a=b", "a=x; expires=Fri, 31-Dec-2010 23:59:59 GMT"], None),
        (["a=b", "a=x; Expires = Tue, 07-Jan-25 10:00:00 GMT; Path=/"], None),
        (["a=b; Expires=Wed, 01 Jan 2098 00:00:00 GMT"], "a=b"),
        (["a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60"], "a=b"),
        (["a=b; Expires=1970"], "a=b"),
        (["a=b; X-Expires=Thu, 01 Jan 1970 00:00:00 GMT"], "a=b"),
        (["a=b; Max-Age=3600"], "a=b"),
        (["a"], None),
        (["=b"], None),
        (["a b=c"], None),
        (["a=b\x00"], None),
        (["a=b\r\nX: y"], None),
        (["a=\u00fc"], None),
        (["a=" + "b" * (MAX_COOKIE_BYTES - 1)], "a=" + "b" * (MAX_COOKIE_BYTES - 1)),
        (["a=" + "b" * MAX_COOKIE_BYTES], None),
    ],
)
def test_forms(fields: list[str], header: str | None) -> None:
    assert sent(*fields) == header


@pytest.mark.parametrize(
    ("date", "header"),
    [("Mon, 04 Jan 2027 08:00:00 GMT", None), ("Mon, 04 Jan 2027 07:59:59 GMT", "a=b")],
)
def test_an_expiry_is_compared_with_the_date_of_the_answer(date: str, header: str | None) -> None:
    field = ("set-cookie", "a=b; Expires=Mon, 04 Jan 2027 08:00:00 GMT")
    head = Head(302, (("date", date), field))
    assert cookie_header(with_cookies((), ORIGIN, head), ORIGIN) == header


def test_no_more_than_twenty() -> None:
    header = sent(*[f"n{number}=1" for number in range(30)])
    assert header is not None
    assert len(header.split("; ")) == MAX_COOKIES


@pytest.mark.parametrize(
    "other",
    [
        ("http", "calendar.example.net", 443),
        ("https", "example.net", 443),
        ("https", "a.calendar.example.net", 443),
        ("https", "calendar.example.net", 8443),
    ],
)
def test_to_no_other_origin(other: tuple[str, str, int]) -> None:
    """Host-only: Domain is not looked at, and scheme and port count, too."""
    known = with_cookies((), ORIGIN, Head(302, (("set-cookie", "a=b; Domain=example.net"),)))
    assert cookie_header(known, other) is None
    assert cookie_header(known, ORIGIN) == "a=b"
    assert "a=b" not in repr(known)


@given(st.lists(st.text(max_size=40), max_size=30))
def test_whatever_is_set_what_is_sent_is_harmless(fields: list[str]) -> None:
    header = sent(*fields)
    assert header is None or (header.isascii() and header.replace("\t", " ").isprintable())
