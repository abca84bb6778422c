"""Open cases in the real log and in the real PostgreSQL are the same, or each that is not is named."""

import json
from dataclasses import replace

from services.escalation.domain.reconciling import Gap, StoredState, gap_of
from services.escalation.reconcile import Reconciled, as_json, in_words, reconcile
from services.escalation.settings import Settings
from shared.events.codec import encode
from shared.vocabulary import CaseState
from tests.fakes.story import Story
from tests.integration.escalation.test_audit import story
from tests.integration.escalation.test_fire import bench
from tests.integration.escalation.test_repair import Desk, desk

__all__ = ["bench", "desk"]


def closed(name: str) -> Story:
    told = story(name)
    told.state = CaseState.CLOSED
    told.closed()
    return told


async def reconciled(desk: Desk, postgres: str) -> Reconciled:
    settings = Settings(kafka=desk.kafka, postgres=postgres)
    return await reconcile(settings, topic=desk.topics[0])


async def test_each_case_that_differs_is_named_as_what_it_is(desk: Desk, postgres: str) -> None:
    lost, ended, open_here, behind, same, over = (
        story("lost"), story("ended"), closed("open"), story("behind"), story("same"), closed("over"),
    )  # fmt: skip
    cases = (lost, ended, open_here, behind, same, over)
    await desk.tell(*(event for told in cases for event in told.events))
    found = await reconciled(desk, postgres)
    assert (found.open_in_log, found.open_here, dict(found.gaps)) == (4, 4, {})
    assert "they agree" in list(in_words(found, "en"))
    pool = desk.bench.pool
    state = "UPDATE case_facts SET facts = jsonb_set(facts, '{view,state}', $2::jsonb) WHERE case_id = $1"
    await pool.execute("DELETE FROM case_facts WHERE case_id = $1", lost.case_id)
    await pool.execute(state, ended.case_id, '"closed"')
    await pool.execute(state, open_here.case_id, '"opened"')
    await pool.execute(
        "UPDATE case_facts SET facts = jsonb_set(facts, '{view,version}', '1') WHERE case_id = $1", behind.case_id
    )
    found = await reconciled(desk, postgres)
    assert dict(found.gaps) == {
        Gap.NOT_STORED: [lost.case_id],
        Gap.ENDED_HERE: [ended.case_id],
        Gap.OPEN_HERE: [open_here.case_id],
        Gap.BEHIND: [behind.case_id],
    }
    assert json.loads(as_json(found))["gaps"]["not_stored"] == [str(lost.case_id)]
    assert f"    whistle clocks repair {lost.case_id} --dry-run" in list(in_words(found, "zh"))
    for told in (lost, ended, open_here, behind):
        await desk.repair(told)
    assert dict((await reconciled(desk, postgres)).gaps) == {}


async def test_what_is_not_folded_yet_is_no_difference(desk: Desk, postgres: str) -> None:
    told = story("ahead")
    await desk.tell(*told.events)
    told.paused()
    later = story("later")
    await desk.send(encode(told.events[-1]), *(encode(event) for event in later.events))
    found = await reconciled(desk, postgres)
    assert (found.open_in_log, dict(found.gaps)) == (1, {})


def test_a_case_that_is_ahead_by_an_order_is_no_gap() -> None:
    stored = StoredState(case_id=story("x").case_id, partition=0, version=3, is_open=True)
    assert gap_of(2, stored) is None
    assert gap_of(3, stored) is None
    assert gap_of(4, stored) is Gap.BEHIND
    assert gap_of(None, replace(stored, is_open=False)) is None
