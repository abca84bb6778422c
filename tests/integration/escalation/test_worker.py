"""The Faust worker as a process: what it folds, how it ends, and what it does after it was killed."""

import time

from shared.runtime.clock import utc_now
from shared.vocabulary import Level, OrderRole
from tests.fakes.small_county import GAS_BUREAU, WEST_VILLAGE, small_county
from tests.fakes.story import Story
from tests.integration.escalation.world import World


async def test_a_case_gets_its_clocks_and_sigterm_ends_the_process_with_zero(here: World) -> None:
    await here.put(small_county())
    story = Story("one", area=WEST_VILLAGE, at=utc_now())
    story.opened()
    order = story.issued(WEST_VILLAGE)
    story.issued(GAS_BUREAU, role=OrderRole.ASSIST, level=Level.COUNTY)
    story.signed(order)
    await here.tell(story.events)
    worker = await here.start()
    await here.until_folded(4)
    clocks = await here.rows("SELECT kind, level, outcome FROM clock ORDER BY level, kind")
    assert [(row["kind"], row["level"], row["outcome"]) for row in clocks] == [
        ("sign_in", "county", None),
        ("sign_in", "village", "met"),
    ]
    assert (await worker.ops("/readyz")).status_code == 200
    assert (await worker.ops("/livez")).status_code == 200
    began = time.monotonic()
    assert await worker.terminate() == 0, worker.output
    assert time.monotonic() - began < 15
