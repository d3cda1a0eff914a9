"""Which readings of an address are stored: one small cell for each address.

One address may be read in several zones, for several owners, by several caches. When it is
forgotten, all of these readings have to be erased. Uses the store, which may block.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from time import monotonic, sleep

from extcal.arguments import safe_repr
from extcal.cache.refresh.kept.keys import Keys
from extcal.cache.snapshot.codec import Listing, decode_list, encode_list
from extcal.cache.stores.cells import Cell
from extcal.cache.stores.lease import Lease, Leases
from extcal.cache.stores.optional import erase_all, getter_of_many

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.cache.stores.protocol import Store

__all__ = ["KEEP", "ReadingLists"]

KEEP = timedelta(days=7)
"""How long a reading is kept: its validators are useful even when it is too old to be served."""

_LISTED = timedelta(days=31)  # no store keeps a cell for longer
_FORGOTTEN = timedelta(hours=1)  # longer than any fetch takes
_LONG_LIST = 200  # keys in a list; beyond that, those of readings that have expired are dropped
_LEASE = timedelta(seconds=10)
_WAIT, _PAUSE = 0.25, 0.005  # seconds; adding a key to a list takes milliseconds


@safe_repr
class ReadingLists:
    """The lists in ``store``, which is ``own`` or watches it; ``leases``: of the same store.

    ``beside``: the key of what is stored beside the reading of a key, and is erased with it.
    """

    def __init__(
        self,
        store: Store,
        own: Store,
        leases: Leases,
        secret: bytes | None,
        beside: Callable[[str], str],
    ) -> None:
        self._store = store
        self._erases = hasattr(own, "erase")
        self._get_many = getter_of_many(store)
        self._leases = leases
        self._secret = secret
        self._beside = beside

    def __repr__(self) -> str:
        return f"<ReadingLists in {self._store!r}>"

    def put_on(self, keys: Keys, cells: Mapping[str, Cell] | None, now: datetime) -> bool:
        """Put the snapshot's key on the list; False if the address was forgotten meanwhile.

        ``cells``: what was looked up under the lease of the reading. If the key is on the list
        already, nothing is done: :meth:`erase` ends the lease of every key on the list, so a
        reading that is stored later is refused.
        """
        until = now + _LISTED
        listing = self._listing(keys, self._get_many((keys.listed,)) if cells is None else cells)
        if now + KEEP <= listing.names.get(keys.snapshot, now) <= until:
            return True
        lease, cells = self._leased(keys, now)
        try:
            there = self._listing(keys, cells)
            if there.generation != listing.generation:
                return False
            names = {name: min(end, until) for name, end in there.names.items()}
            if len(names) > _LONG_LIST:
                # Only for a long list: with a wrong clock this would drop keys of kept readings.
                names = {name: end for name, end in names.items() if now < end}
            names[keys.snapshot] = until
            self._put(keys, Listing(there.generation, names), until, lease)
        finally:
            if lease is not None:
                lease.release()
        return True

    def erase(self, keys: Keys, cells: Mapping[str, Cell], now: datetime) -> set[str]:
        """Erase all readings of an address, and the list; returns their keys.

        ``cells``: what is stored under ``keys``.
        """
        listed = {keys.snapshot, *self._listing(keys, cells).names}
        lease, cells = self._leased(keys, now, *map(self._beside, listed))
        try:
            names = {keys.snapshot, *self._listing(keys, cells).names}
            beside = [*map(self._beside, names)]
            if not self._erases:
                # Each is a call: those that are known not to be there are left out.
                beside = [key for key in beside if key in cells or "s:" + key[2:] not in listed]
            # Readings first: without the lease of a reading nobody confirms it any more.
            erase_all(self._store, [*names, *beside])
            # A cache that is about to store a first reading (of another zone, say) sees this list.
            self._put(keys, Listing(os.urandom(8).hex()), now + _FORGOTTEN, lease)
        finally:
            if lease is not None:
                lease.release()
        return names

    def _leased(
        self, keys: Keys, now: datetime, *more: str
    ) -> tuple[Lease | None, Mapping[str, Cell]]:
        """The lease of a list, and the cells of the list and of ``more``.

        No lease if its holder does not give it back, as after a crash.
        """
        until, wanted = monotonic() + _WAIT, (keys.listed, *more)
        while True:
            lease, cells = self._leases.take(keys.listed, now, _LEASE, wanted)
            if lease is not None:
                return lease, cells
            if monotonic() >= until:
                return None, self._get_many(wanted)
            sleep(_PAUSE)

    def _put(self, keys: Keys, listing: Listing, until: datetime, lease: Lease | None) -> bool:
        cell = Cell(encode_list(listing, keys.listed, self._secret), until)
        return self._store.put(keys.listed, cell, None) if lease is None else lease.put_last(cell)

    def _listing(self, keys: Keys, cells: Mapping[str, Cell]) -> Listing:
        cell = cells.get(keys.listed)
        found = None if cell is None else decode_list(cell.data, keys.listed, self._secret)
        return Listing() if found is None else found
