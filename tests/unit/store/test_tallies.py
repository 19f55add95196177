"""Tallies: counted once, refused beyond the most, and still there after a restart."""

from __future__ import annotations

from heliograph.store.tallies import Tallies
from tests.unit.store.world import Store

DAY, NEXT = "2026-11-20", "2026-11-21"


def written(store: Store, tallies: Tallies) -> dict[str, str]:
    """What is on the disk once everything is written down."""
    store.database.write_now(tallies.flush)
    assert not tallies.changed
    return dict(store.database.query("SELECT key, value FROM meta WHERE key LIKE 'tally:%'"))


def test_calls_count_up_to_the_most_and_refused_ones_do_not(store: Store) -> None:
    tallies = Tallies(store.database)
    assert [tallies.take("foxess", 1, DAY, 2) for _ in range(4)] == [True, True, False, False]
    assert tallies.used("foxess", 1, DAY) == 2
    tallies.give_back("foxess", 1, DAY)
    assert tallies.take("foxess", 1, DAY, 2)
    assert (tallies.used("foxess", 2, DAY), tallies.used("other", 1, DAY), tallies.used("foxess", 1, NEXT)) == (0, 0, 0)


def test_a_restart_goes_on_counting(store: Store) -> None:
    tallies = Tallies(store.database)
    tallies.take("foxess", 1, DAY, 9)
    tallies.take("foxess", 12, DAY, 9)
    assert written(store, tallies) == {f"tally:foxess:1:{DAY}": "1", f"tally:foxess:12:{DAY}": "1"}
    again = Tallies(store.database)
    assert not again.changed
    assert again.take("foxess", 1, DAY, 2)
    assert not again.take("foxess", 1, DAY, 2)
    assert written(store, again)[f"tally:foxess:1:{DAY}"] == "2"


def test_a_new_period_forgets_the_one_before_of_that_account_alone(store: Store) -> None:
    tallies = Tallies(store.database)
    for account in (1, 12):
        tallies.take("energy_expert", account, DAY, 9)
    written(store, tallies)
    tallies.take("energy_expert", 1, NEXT, 9)
    assert set(written(store, tallies)) == {f"tally:energy_expert:1:{NEXT}", f"tally:energy_expert:12:{DAY}"}
    assert list(tallies._used) == [("energy_expert", 12, DAY), ("energy_expert", 1, NEXT)]


def test_nothing_is_ever_less_than_nothing(store: Store) -> None:
    tallies = Tallies(store.database)
    tallies.give_back("foxess", 1, DAY)
    assert tallies.used("foxess", 1, DAY) == 0
