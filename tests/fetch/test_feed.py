"""A feed is a value whose address is sealed (design section 2, security section 5)."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import pprint
import traceback
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal.errors import FeedUrlError
from extcal.fetch import Feed, as_feed
from extcal.fetch.address.url import Refusal, Url, fold_at_sign, read_url
from extcal.fetch.feed import accepted, read_feed, takes_feed
from extcal.policy import BusyPolicy, Rule

pytestmark = pytest.mark.core

SECRET = "SECRET7f3a"
GOOGLE = f"https://calendar.google.com/calendar/ical/ada%40example.org/private-{SECRET}/basic.ics"


class TestTheAddressIsSealed:
    """The address is in nothing but reveal()."""

    feed = Feed(GOOGLE + f"?q={SECRET}", timezone="Europe/Berlin", owner="ada@example.org")

    def test_no_way_of_showing_a_feed_shows_its_address(self) -> None:
        feed = self.feed
        shown = [
            repr(feed),
            str(feed),
            f"{feed}",
            repr([feed]),
            pprint.pformat(feed),
            pprint.pformat({feed: feed}),
            repr(dataclasses.asdict(feed)),
            repr(dataclasses.astuple(feed)),
            # A slotted dataclass has a __weakref__ that Python up to 3.11.2 cannot read.
            *(repr(getattr(feed, name)) for name in dir(feed) if name != "__weakref__"),
            *(repr(getattr(feed.url, name)) for name in dir(feed.url) if name != "__weakref__"),
            repr(feed.url),
            repr(feed.url.open()),
            repr(copy.deepcopy(feed)),
        ]
        assert SECRET not in "".join(shown)

    def test_the_repr_names_host_and_fingerprint(self) -> None:
        assert repr(self.feed) == f"<Feed calendar.google.com #{self.feed.fingerprint}>"
        assert len(self.feed.fingerprint) == 8

    def test_json_refuses_it(self) -> None:
        with pytest.raises(TypeError):
            json.dumps(dataclasses.asdict(self.feed))

    def test_reveal_is_the_way_to_it(self) -> None:
        assert self.feed.reveal() == GOOGLE + f"?q={SECRET}"

    def test_it_can_be_pickled_copied_and_replaced(self) -> None:
        for twin in (
            pickle.loads(pickle.dumps(self.feed)),
            copy.copy(self.feed),
            copy.deepcopy(self.feed),
            Feed(copy.copy(self.feed.url), self.feed.timezone, self.feed.owner),
        ):
            assert twin == self.feed
            assert hash(twin) == hash(self.feed)
            assert twin.reveal() == self.feed.reveal()
        assert dataclasses.replace(self.feed, detail="busy").reveal() == self.feed.reveal()

    @pytest.mark.parametrize("make", [Feed, as_feed, Feed.from_user_input])
    @pytest.mark.parametrize(
        "text",
        [
            f"https://user:{SECRET}@calendar.example.net/",
            f"https://calendar.example.net/{SECRET} {SECRET}",
            f"https://calendar.example.net:99999/{SECRET}",
            f"gopher://calendar.example.net/{SECRET}",
            SECRET,
            f"https://calendar.google.com/calendar/u/0/r?cid={SECRET}",
        ],
    )
    def test_errors_and_their_frames_do_not_show_it(self, make: object, text: str) -> None:
        """Error reporters ship local variables: the frames of extcal hold no address."""
        try:
            make(text)  # type: ignore[operator]
        except FeedUrlError as error:
            caught = error
        else:
            # The constructor checks syntax only, and a page has the syntax of an address.
            assert make is not Feed.from_user_input
            return
        assert caught.__cause__ is None
        assert caught.__context__ is None
        assert SECRET not in f"{caught!r} {caught} {caught.advice} {pickle.dumps(caught)!r}"
        trace = traceback.TracebackException.from_exception(caught, capture_locals=True)
        frames = [frame for frame in trace.stack if "test_feed" not in frame.filename]
        assert frames
        assert SECRET not in repr([frame.locals for frame in frames])


class TestSyntax:
    """RFC 3986, and the narrower rules of a feed's address."""

    @pytest.mark.parametrize(
        ("given", "canonical"),
        [
            ("https://calendar.example.net/a.ics", "https://calendar.example.net/a.ics"),
            ("  https://calendar.example.net/a.ics\n", "https://calendar.example.net/a.ics"),
            ("WEBCAL://calendar.example.net/a", "https://calendar.example.net/a"),
            ("webcals://calendar.example.net/a", "https://calendar.example.net/a"),
            ("http://calendar.example.net/a", "http://calendar.example.net/a"),
            ("http://calendar.example.net:80/a", "http://calendar.example.net/a"),
            ("HTTPS://Calendar.Example.NET:443/A?B=c", "https://calendar.example.net/A?B=c"),
            ("https://calendar.example.net./a#top", "https://calendar.example.net/a"),
            ("https://calendar.example.net", "https://calendar.example.net/"),
            ("https://calendar.example.net?x=%2F", "https://calendar.example.net/?x=%2F"),
            ("https://calendar.example.net?x=1?y", "https://calendar.example.net/?x=1?y"),
            ("https://calendar.example.net:444/", "https://calendar.example.net:444/"),
            ("https://calendar.example.net:65535/", "https://calendar.example.net:65535/"),
            ("https://[2001:DB8:0::1]/a", "https://[2001:db8::1]/a"),
            ("https://192.0.2.7./a", "https://192.0.2.7/a"),
            ("https://snow_man.example.net/%7e/~", "https://snow_man.example.net/%7e/~"),
            ("file:///srv/feeds/a.ics", "file:///srv/feeds/a.ics"),
            ("file:/srv/feeds/a.ics", "file:///srv/feeds/a.ics"),
            ("FILE://localhost/srv/a.ics", "file:///srv/a.ics"),
        ],
    )
    def test_one_feed_has_one_spelling(self, given: str, canonical: str) -> None:
        assert Feed(given).reveal() == canonical
        assert Feed(canonical).reveal() == canonical

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("", "empty"),
            (" \t\r\n", "empty"),
            ("not a URL", "scheme"),
            ("calendar.example.net/a.ics", "scheme"),
            ("https:/calendar.example.net/a", "scheme"),
            ("https:calendar.example.net", "scheme"),
            ("ftp://calendar.example.net/", "scheme"),
            ("data:text/calendar,BEGIN:VCALENDAR", "scheme"),
            ("https://calendar.example.net/" + "a" * 4_096, "too-long"),
            ("https://calendar.example.net/a b", "chars"),
            ("https://calendar.example.net/a\r\nX: y", "chars"),
            ("https://calendar.example.net\\@other.example.net/", "chars"),
            ("https://b\u00fccher.example.net/", "chars"),
            ("https://calendar.example.net/\u202e", "chars"),
            ("https://user@calendar.example.net/", "userinfo"),
            ("https://@calendar.example.net/", "userinfo"),
            ("https://calendar%2eexample.net/", "pct-host"),
            ("https://calendar.example.net:0/", "port"),
            ("https://calendar.example.net:/", "port"),
            ("https://calendar.example.net:0443/", "port"),
            ("https://calendar.example.net:65536/", "port"),
            ("https://calendar.example.net:+1/", "port"),
            ("https:///a", "host"),
            ("https:///a@b/x", "host"),
            ("https://[2600::1]:80]/", "port"),
            ("https://?x", "host"),
            ("https://[::1/", "host"),
            ("https://[::1]x/", "host"),
            ("https://[::1]:x/", "port"),
            ("https://[127.0.0.1]/", "host"),
            ("https://[fe80::1%25eth0]/", "pct-host"),
            ("https://[v1.x]/", "host"),
            ("https://1:2:3/", "host"),
            ("https://a..example.net/", "host"),
            ("https://-a.example.net/", "host"),
            ("https://a-.example.net/", "host"),
            ("https://calendar.example.net../", "host"),
            ("https://" + "a" * 64 + ".net/", "host"),
            ("https://" + "a." * 127 + "net/", "host"),
            ("https://127.1/", "ip-odd"),
            ("https://0x7f.0.0.1/", "ip-odd"),
            ("https://example.0x/", "ip-odd"),
            ("https://127.0.0.01/", "ip-odd"),
            ("https://3232235777/", "ip-odd"),
            ("file:a.ics", "host"),
            ("file://server/a.ics", "host"),
            ("file:////server/a.ics", "host"),
        ],
    )
    def test_what_is_no_address_is_refused_by_kind(self, text: str, kind: str) -> None:
        with pytest.raises(FeedUrlError) as refused:
            Feed(text)
        assert refused.value.kind == kind
        assert isinstance(refused.value, ValueError)
        refusal = read_url(text.strip())  # where a redirect leads is read by this alone
        assert isinstance(refusal, Refusal)
        assert refusal.kind == kind

    def test_not_a_url_comes_with_advice(self) -> None:
        with pytest.raises(FeedUrlError, match="https://"):
            Feed("not a URL")

    def test_the_longest_address_is_4096_characters(self) -> None:
        start = "https://calendar.example.net/"
        longest = start + "a" * (4_096 - len(start))
        assert Feed(longest).reveal() == longest
        with pytest.raises(FeedUrlError):
            Feed(longest + "a")

    def test_an_address_without_path_may_be_as_long(self) -> None:
        start = "https://calendar.example.net?"
        feed = Feed(start + "a" * (4_096 - len(start)))
        assert pickle.loads(pickle.dumps(feed)) == feed

    @given(st.text(max_size=80))
    def test_any_text_is_a_feed_or_a_typed_refusal(self, text: str) -> None:
        for make in (Feed, Feed.from_user_input):
            try:
                feed = make(text)
            except FeedUrlError:
                continue
            assert Feed(feed.reveal()) == feed

    @given(st.text(alphabet="htps:/.[]@%#?webcal0x17-_ \\", max_size=40))
    def test_any_near_address_is_a_feed_or_a_typed_refusal(self, text: str) -> None:
        try:
            feed = Feed("https://" + text)
        except FeedUrlError:
            return
        assert feed.host == feed.host.lower()
        assert feed.reveal().startswith("https://")
        assert Feed(feed.reveal()) == feed

    def test_the_address_must_be_text(self) -> None:
        for wrong in (b"https://calendar.example.net/", None, 7):
            with pytest.raises(TypeError):
                Feed(wrong)  # type: ignore[arg-type]
            with pytest.raises(TypeError):
                as_feed(wrong)  # type: ignore[arg-type]
            with pytest.raises(TypeError):
                Feed.from_user_input(wrong)  # type: ignore[arg-type]


class TestTheOtherArguments:
    """Everything but the address says how it is read."""

    url = "https://calendar.example.net/a.ics"

    def test_defaults(self) -> None:
        feed = Feed(self.url)
        assert feed.timezone is None
        assert feed.owner == ()
        assert feed.policy == BusyPolicy()
        assert feed.detail == "events"
        assert feed.published_ahead is None

    def test_owner_is_one_or_several(self) -> None:
        assert Feed(self.url, owner="ada@example.org").owner == ("ada@example.org",)
        assert Feed(self.url, owner=["mailto:ada@example.org", " b@example.org "]).owner == (
            "ada@example.org",
            "b@example.org",
        )
        with pytest.raises(TypeError):
            Feed(self.url, owner=[7])  # type: ignore[list-item]
        for nobody in (None, "", " ", (), ["", " "]):
            assert Feed(self.url, owner=nobody) == Feed(self.url)

    def test_timezone_is_checked_early(self) -> None:
        with pytest.raises(ValueError, match="Europe/Berlin"):
            Feed(self.url, timezone="Middle/Earth")
        with pytest.raises(ValueError, match="IANA"):
            Feed(self.url, timezone="../etc/passwd")
        with pytest.raises(TypeError):
            Feed(self.url, timezone=3)  # type: ignore[arg-type]

    def test_equal_zones_make_equal_feeds(self) -> None:
        assert Feed(self.url, timezone=ZoneInfo("Europe/Berlin")) == Feed(
            self.url, timezone="Europe/Berlin"
        )
        assert Feed(self.url, timezone=UTC) == Feed(self.url, timezone="UTC")
        offset = timezone(timedelta(hours=5))
        assert Feed(self.url, timezone=offset).timezone == offset
        assert Feed(self.url, timezone=offset).identity() != Feed(self.url).identity()

    def test_a_zone_that_cannot_be_told_apart_is_refused(self) -> None:
        class Mine(tzinfo):
            pass

        with pytest.raises(TypeError, match="IANA"):
            Feed(self.url, timezone=Mine())

    def test_wrong_values_are_the_callers(self) -> None:
        with pytest.raises(TypeError):
            Feed(self.url, policy="busy")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="detail"):
            Feed(self.url, detail="all")  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            Feed(self.url, published_ahead=30)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="published_ahead"):
            Feed(self.url, published_ahead=timedelta(0))

    def test_it_is_frozen(self) -> None:
        with pytest.raises(dataclasses.FrozenInstanceError):
            Feed(self.url).detail = "busy"  # type: ignore[misc]


class TestIdentity:
    """Snapshots belong to address and reading; backoff belongs to the address alone."""

    url = "https://calendar.example.net/a.ics"

    def test_every_difference_of_reading_is_a_difference_of_identity(self) -> None:
        feeds = [
            Feed(self.url),
            Feed(self.url + "?x"),
            Feed(self.url, timezone="Europe/Berlin"),
            Feed(self.url, timezone="Europe/Paris"),
            Feed(self.url, owner="ada@example.org"),
            Feed(self.url, owner=["ada@example.org", "b@example.org"]),
            Feed(self.url, policy=BusyPolicy(all_day="busy")),
            Feed(self.url, detail="busy"),
            Feed(self.url, published_ahead=timedelta(days=30)),
        ]
        assert len({feed.identity() for feed in feeds}) == len(feeds)
        assert len(set(feeds)) == len(feeds)
        assert len({feed.url_identity() for feed in feeds}) == 2

    def test_order_and_case_of_owners_do_not_matter(self) -> None:
        one = Feed(self.url, owner=["ADA@example.org", "b@example.org"])
        other = Feed(self.url, owner=["b@example.org", "ada@example.org"])
        assert one.identity() == other.identity()

    def test_an_at_sign_in_googles_and_outlooks_path_has_one_key(self) -> None:
        for url in (
            "https://calendar.google.com/calendar/ical/ada{}example.org/private-1/basic.ics",
            "https://outlook.office365.com/owa/calendar/1{}example.org/2/calendar.ics",
        ):
            one, other = Feed(url.format("@")), Feed(url.format("%40"))
            assert one.url_identity() == other.url_identity()
            assert one.fingerprint == other.fingerprint
            assert one.reveal() != other.reveal()
            another = Feed(url.replace("1", "3").format("@"))
            assert one.url_identity() != another.url_identity()

    def test_the_key_of_googles_path_is_written_with_the_sign_itself(self) -> None:
        """What stores hold is found again after an update. The query may be signed, and stays."""
        assert fold_at_sign("/a%40b/c.ics?d=%40") == "/a@b/c.ics?d=%40"
        assert fold_at_sign("/a@b/c.ics") == "/a@b/c.ics"

    def test_a_file_has_neither_host_nor_port(self) -> None:
        assert read_url("file:///srv/a.ics") == Url("file", "", 0, "/srv/a.ics")

    def test_elsewhere_and_in_queries_it_stays(self) -> None:
        for one, other in (
            (self.url + "?a=@", self.url + "?a=%40"),
            ("https://cal.example.org/a@b/c.ics", "https://cal.example.org/a%40b/c.ics"),
        ):
            assert Feed(one).url_identity() != Feed(other).url_identity()

    @pytest.mark.parametrize(
        ("url", "provider"),
        [
            (GOOGLE, "google"),
            ("https://www.google.com/calendar/ical/a/private-1/basic.ics", "google"),
            ("https://www.google.com/maps", None),
            ("https://outlook.live.com/owa/calendar/1/2/cid-3/calendar.ics", "outlook"),
            ("https://outlook.office365.com/owa/calendar/1@2/3/calendar.ics", "outlook"),
            ("https://mail.example.net/owa/calendar/1/2/calendar.ics", "exchange"),
            ("webcal://p42-caldav.icloud.com/published/2/abc", "icloud"),
            ("https://cloud.example.net/remote.php/dav/public-calendars/t/?export", "nextcloud"),
            ("https://calendar.proton.me/api/calendar/v1/url/x/calendar.ics?K=1", "proton"),
            ("https://user.fm/calendar/v1-1/Calendar.ics", "fastmail"),
            ("https://notgoogle.example.net/a.ics", None),
            ("https://calendar.google.com.example.net/a.ics", None),
            ("https://evilicloud.com/published/2/abc", None),
            ("file:///srv/a.ics", None),
        ],
    )
    def test_the_provider_is_recognised_by_host_and_path(
        self, url: str, provider: str | None
    ) -> None:
        assert Feed(url).provider == provider

    def test_a_str_is_shorthand(self) -> None:
        feed = Feed(self.url)
        assert as_feed(self.url) == feed
        assert as_feed(feed) is feed
        assert feed.host == "calendar.example.net"

    def test_a_file_has_no_host(self) -> None:
        feed = Feed("file:///srv/a.ics")
        assert feed.host == ""
        assert repr(feed).startswith("<Feed file #")


def test_what_was_read_is_accepted_or_raised():
    """Whoever let go of the text can still refuse it."""
    feed = Feed("https://example.org/ada.ics")
    assert accepted(read_feed(feed)) is feed
    with pytest.raises(FeedUrlError):
        accepted(read_feed("not a URL"))


class TestMethodsThatTakeAFeed:
    """``takes_feed`` gives them a Feed, and a refused address is in no frame."""

    @takes_feed
    def host(self, feed: Feed | str) -> str:
        assert isinstance(feed, Feed)
        return feed.host

    @takes_feed
    async def host_later(self, feed: Feed | str) -> str:
        assert isinstance(feed, Feed)
        return feed.host

    @pytest.mark.parametrize("feed", [GOOGLE, Feed(GOOGLE)])
    def test_an_address_becomes_a_feed(self, feed: Feed | str) -> None:
        assert self.host(feed) == "calendar.google.com"
        with pytest.raises(StopIteration) as ended:
            self.host_later(feed).send(None)  # type: ignore[attr-defined]
        assert ended.value.value == "calendar.google.com"

    def test_a_refused_address_is_not_repeated(self) -> None:
        for call in (self.host, lambda feed: self.host_later(feed).send(None)):  # type: ignore[attr-defined]
            with pytest.raises(FeedUrlError) as refused:
                call(f"ftp://example.org/{SECRET}")
            assert SECRET not in "".join(traceback.format_exception(refused.value))


def test_a_feed_that_was_never_made_has_a_repr() -> None:
    """A traceback may show a feed whose address was just refused."""
    assert repr(Feed.__new__(Feed)) == "<Feed refused>"


def test_rules_are_part_of_the_identity() -> None:
    """Readings with other rules are other readings; without rules the key is that of 0.1.0."""
    plain = Feed(GOOGLE)
    rules = [
        (Rule("FREE", title="Commute"),),
        (Rule("BUSY", title="Commute"),),
        (Rule("FREE", longer_than=timedelta(hours=9)),),
        (Rule("FREE", longer_than=timedelta(hours=8)),),
    ]
    ruled = [Feed(GOOGLE, policy=BusyPolicy(rules=each)) for each in rules]
    assert len({feed.identity() for feed in (plain, *ruled)}) == 5
    assert {feed.url_identity() for feed in ruled} == {plain.url_identity()}
    assert Feed(GOOGLE, policy=BusyPolicy()).identity() == plain.identity()
