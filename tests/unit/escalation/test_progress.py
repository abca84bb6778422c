"""Until when the facts are whole, and when a silent fold is a stall."""

from collections.abc import Collection, Mapping
from datetime import timedelta

from services.escalation.progress import FoldProgress
from shared.runtime.delivery import Partition

A0, A1, B0, B1 = (Partition(topic, number) for topic in ("a", "b") for number in (0, 1))
ALL = (A0, A1, B0, B1)


class Ends:
    """A log whose ends the test sets; an exception stands for a log that is away."""

    def __init__(self) -> None:
        self.ends: Mapping[Partition, int] | Exception = {}

    async def of(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        if isinstance(self.ends, Exception):
            raise self.ends
        return {partition: self.ends.get(partition, 0) for partition in partitions}


class Folded:
    """A ledger that any replica wrote."""

    def __init__(self) -> None:
        self.rows: dict[Partition, int] | Exception = {}

    async def ledger(self, topics: Collection[str]) -> Mapping[Partition, int]:
        if isinstance(self.rows, Exception):
            raise self.rows
        return {partition: at for partition, at in self.rows.items() if partition.topic in topics}


class Place:
    """A progress with a clock, a log and a ledger of its own."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.log = Ends()
        self.folded = Folded()
        self.progress = FoldProgress(
            frozenset({"a", "b"}),
            self.log,
            ledger=self.folded,
            elsewhere=timedelta(seconds=60),
            monotonic=lambda: self.seconds,
        )

    async def settled(self, ends: Mapping[Partition, int] | Exception) -> Mapping[int, timedelta]:
        self.log.ends = ends
        return (await self.progress.ask()).settled


async def test_nothing_fires_before_the_group_is_joined() -> None:
    place = Place()
    assert (await place.progress.ask()).is_empty


async def test_a_partition_number_is_whole_when_everything_of_all_topics_is_folded() -> None:
    place = Place()
    place.progress.assigned(dict.fromkeys(ALL, 0))
    assert set(await place.settled({A0: 2})) == {1}
    place.progress.folded({A0: 1})
    assert set(place.progress.horizon().settled) == {1}
    place.progress.folded({A0: 2})
    assert set(place.progress.horizon().settled) == {0, 1}


async def test_facts_are_whole_up_to_the_asking_that_has_been_folded_not_up_to_now() -> None:
    place = Place()
    place.progress.assigned(dict.fromkeys(ALL, 0))
    await place.settled({A0: 1})
    place.seconds += 3
    await place.settled({A0: 5})
    place.progress.folded({A0: 1})
    assert place.progress.horizon().settled[0] == timedelta(seconds=3)
    place.progress.folded({A0: 5})
    assert place.progress.horizon().settled[0] == timedelta()


async def test_a_number_of_which_another_replica_has_a_topic_is_not_ours_to_fire() -> None:
    place = Place()
    place.progress.assigned({A0: 0, A1: 0, B1: 0})
    horizon = await place.progress.ask()
    assert set(horizon.settled) == {1}
    assert not horizon.others


async def test_others_clocks_are_fired_late_and_only_up_to_what_the_ledger_shows_as_folded() -> None:
    place = Place()
    place.progress.assigned({A0: 0, B0: 0})
    place.folded.rows = {A0: 0, B0: 0, A1: 7, B1: 4}
    place.log.ends = {A1: 7, B1: 4}
    assert (await place.progress.ask()).others == {1: timedelta(seconds=60)}
    place.log.ends = {A1: 8, B1: 4}
    place.seconds += 90
    assert (await place.progress.ask()).others == {1: timedelta(seconds=90)}, "one record waits: nothing newer is known"
    place.folded.rows = {A0: 0, B0: 0, A1: 8, B1: 4}
    place.seconds += 30
    assert (await place.progress.ask()).others == {1: timedelta(seconds=60)}


async def test_after_an_outage_of_the_database_nobody_fires_for_others_what_they_have_yet_to_fold() -> None:
    place = Place()
    place.progress.assigned({A0: 0, B0: 0})
    place.folded.rows = OSError("away")
    place.log.ends = {A1: 900, B1: 4}
    assert not (await place.progress.ask()).others
    place.folded.rows = {A1: 7, B1: 4}
    place.seconds += 120
    assert not (await place.progress.ask()).others
    place.folded.rows = {A1: 900, B1: 4}
    place.seconds += 30
    assert set((await place.progress.ask()).others) == {1}


async def test_a_number_that_nobody_has_whole_is_fired_by_the_ledger_too() -> None:
    place = Place()
    place.progress.assigned({A0: 0, A1: 0, B1: 0})
    place.folded.rows = {A0: 3, B0: 2}
    place.log.ends = {A0: 3, B0: 2}
    horizon = await place.progress.ask()
    assert (set(horizon.settled), set(horizon.others)) == ({1}, {0})


async def test_a_ledger_that_is_away_leaves_others_to_themselves() -> None:
    place = Place()
    place.progress.assigned({A0: 0, B0: 0})
    place.folded.rows = OSError("away")
    assert not (await place.progress.ask()).others


async def test_while_kafka_is_away_the_facts_only_grow_older() -> None:
    place = Place()
    place.progress.assigned(dict.fromkeys(ALL, 0))
    await place.settled({})
    place.seconds += 40
    assert await place.settled(OSError("away")) == {0: timedelta(seconds=40), 1: timedelta(seconds=40)}


async def test_records_that_wait_while_nothing_is_folded_are_a_stall() -> None:
    place = Place()
    place.progress.assigned(dict.fromkeys(ALL, 0))
    limit = timedelta(seconds=20)
    for _ in range(25):
        place.seconds += 1
        await place.settled({A0: 3})
    assert (place.progress.stall(limit) or "").startswith("3 records wait and nothing was folded for 2")
    place.progress.folded({A0: 1})
    assert place.progress.stall(limit) is None


async def test_an_idle_log_an_outage_and_the_time_after_one_are_no_stall() -> None:
    place = Place()
    place.progress.assigned(dict.fromkeys(ALL, 0))
    limit = timedelta(seconds=20)
    for _ in range(30):
        place.seconds += 1
        await place.settled({})
    assert place.progress.stall(limit) is None
    await place.settled({A0: 1})
    place.seconds += 300
    assert place.progress.stall(limit) is None, "Kafka does not answer: nobody can tell"
    await place.settled({A0: 1})
    assert place.progress.stall(limit) is None, "Kafka is back: the fold gets its whole time"
    place.progress.sit_out("PostgreSQL is away")
    place.seconds += 9
    assert place.progress.stall(limit) is None


async def test_a_revoked_partition_is_no_longer_ours() -> None:
    place = Place()
    place.progress.assigned(dict.fromkeys(ALL, 0))
    await place.settled({A0: 3})
    place.progress.revoked()
    assert place.progress.lag == 0
    assert place.progress.horizon().settled == {}


async def test_partitions_that_were_taken_away_and_never_given_again_are_a_stall() -> None:
    place = Place()
    place.progress.assigned(dict.fromkeys(ALL, 0))
    place.progress.revoked()
    limit = timedelta(seconds=20)
    for _ in range(41):
        assert place.progress.stall(limit) is None, "the group may wait for its slowest member"
        place.seconds += 1
        assert (await place.progress.ask()).is_empty, "who folds nothing knows nothing"
    said = "4 partitions were taken away 41 s ago and the group has given none since (allowed 40 s)"
    assert place.progress.stall(limit) == said


async def test_who_is_told_to_let_go_before_anything_was_given_has_not_joined() -> None:
    place = Place()
    place.progress.revoked()
    assert not place.progress.joined
    place.progress.assigned({})
    place.progress.revoked()
    assert place.progress.joined


async def test_a_replica_that_the_group_has_nothing_for_is_no_stall() -> None:
    place = Place()
    place.progress.assigned(dict.fromkeys(ALL, 0))
    place.progress.revoked()
    place.progress.assigned({})
    for _ in range(60):
        place.seconds += 1
        assert (await place.progress.ask()).is_empty
    assert place.progress.stall(timedelta(seconds=20)) is None
    assert place.progress.joined


async def test_a_horizon_grows_older_with_the_time_that_nobody_noticed() -> None:
    place = Place()
    place.progress.assigned(dict.fromkeys(ALL, 0))
    place.log.ends = {}
    place.folded.rows = {Partition("a", 2): 0, Partition("b", 2): 0}
    horizon = await place.progress.ask()
    later = horizon.aged(place.seconds + 120)
    assert later.settled == {0: timedelta(seconds=120), 1: timedelta(seconds=120)}
    assert later.others == {2: timedelta(seconds=180)}
