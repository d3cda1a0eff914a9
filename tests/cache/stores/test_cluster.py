"""Many feeds on many machines: a Dask cluster does the work, Redis is what it knows.

The cluster is a local one of processes, and the server a real one; skipped with a word where either
is missing (``pip install 'extcal[dask,redis]'``, Debian's redis-server or valkey-server).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from extcal import CalendarCache, Feed, HttpFetcher, RedisStore, Snapshot, State, Unavailable
from extcal.testing import event, feed_text
from extcal.testing.server import FeedServer

BODY = feed_text(event("2027-01-04T09:00Z", "PT1H", uid="talk", summary="Talk about salaries"))


# What the cluster's own libraries warn of is theirs to mend.
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_shares_what_it_knows(redis_url: str) -> None:
    """One fetch per feed over all processes; the second run, and this process, fetch nothing."""
    distributed: Any = pytest.importorskip(
        "distributed", reason="distributed is not installed (the extra is called dask)"
    )
    import redis

    fetcher = partial(HttpFetcher, allow_networks=FeedServer.networks, max_fetches_per_host=8)
    # The longest back-off: a short one may be over before the second run, on a busy machine.
    calendars = CalendarCache(
        store=RedisStore(redis_url), fetcher=fetcher, secret="pepper", jitter=partial(float, 1)
    )
    with (
        FeedServer() as server,
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        given = []
        for number in range(24):
            server.serve(f"/SECRET-7f3a/{number}.ics", BODY)
            given.append(Feed(server.url(f"/SECRET-7f3a/{number}.ics")))
        missing = Feed(server.url("/missing.ics"))
        executor = client.get_executor()
        for _ in range(2):
            results = calendars.refresh_many([*given, missing], executor, at_once=32, per_host=32)
            found = dict(results)
            assert found.keys() == {*given, missing}
            assert {type(found[feed]) for feed in given} == {Snapshot}
            error = found[missing]
            assert isinstance(error, Unavailable)
            assert error.kind == "not_found"
        assert calendars.get(given[0]).state is State.FRESH
        assert len(server.requests) == 25
    with redis.Redis.from_url(redis_url) as direct:
        for key in direct.scan_iter():
            value = direct.hgetall(key) if direct.type(key) == b"hash" else direct.get(key)
            assert b"SECRET" not in key
            assert "SECRET" not in repr(value)
