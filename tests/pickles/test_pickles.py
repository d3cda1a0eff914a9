"""What was pickled by an earlier release is the same value today."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import extcal
from extcal.cache import CommonFree
from extcal.errors import _Coded
from public_values import FOLDER, values

FILES = sorted(FOLDER.glob("*.pickle"))
VALUES = dict(values())


def test_there_is_a_file_for_every_value() -> None:
    assert {path.stem for path in FILES} == set(VALUES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_pickle_of_0_1_0_still_loads(path: Path) -> None:
    loaded, value = pickle.loads(path.read_bytes()), VALUES[path.stem]
    assert type(loaded) is type(value)
    if not isinstance(value, frozenset):
        assert repr(loaded) == repr(value)
    if type(value).__eq__ is not object.__eq__:
        assert loaded == value
    if isinstance(value, _Coded):
        assert (str(loaded), loaded.kind, loaded.advice) == (str(value), value.kind, value.advice)
    if isinstance(value, CommonFree):
        assert loaded.slots_for_all == value.slots_for_all
        assert [loaded.who(slot) for slot in loaded] == [value.who(slot) for slot in value]
    if isinstance(value, extcal.Snapshot):
        assert loaded.free_busy == value.free_busy
        assert loaded.events == value.events
    if isinstance(value, extcal.Feed):
        assert loaded.reveal() == value.reveal()


@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_value_survives_pickling(name: str) -> None:
    value = VALUES[name]
    again = pickle.loads(pickle.dumps(value))
    if isinstance(value, frozenset):  # whose order is the hashes'
        assert again == value
    else:
        assert repr(again) == repr(value)
