"""The life of a case's clocks against paper: random deeds, every topic late and mixed, compared after each deed.

``CLOCK_LIFE_CASES`` and ``CLOCK_LIFE_SEED`` make the run longer, or another; a failing case is played again by its seed
and number, and Hypothesis makes one short.
"""

import os
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.oracles.clock_life_play import Play

SEED = os.environ.get("CLOCK_LIFE_SEED", "20261121")
CASES = int(os.environ.get("CLOCK_LIFE_CASES", "5500"))
SHARES, DEEDS = 10, 25


def live(seed: str, number: int) -> int:
    """One case from its opening to its end, or for so many deeds; how many there were."""
    chance = Random(f"{seed}:{number}")
    play = Play(chance)
    done = 0
    while not play.over and done < DEEDS:
        play.step(chance)
        done += 1
    return done


@pytest.mark.parametrize("share", range(SHARES))
def test_every_clock_of_a_random_life_stands_as_on_paper(share: int) -> None:
    deeds = 0
    for number in range(share, CASES, SHARES):
        try:
            deeds += live(SEED, number)
        except AssertionError as error:
            raise AssertionError(f"seed {SEED}, case {number}: {error}") from error
    print(f"seed {SEED}, share {share}: {deeds} deeds of {len(range(share, CASES, SHARES))} cases")  # noqa: T201
    assert deeds > 5 * len(range(share, CASES, SHARES)), "most lives must be long, or nothing is compared"


class Life(RuleBasedStateMachine):
    """A case whose deeds Hypothesis chooses, so that a life that goes wrong becomes as short as can be."""

    @initialize(chance=st.randoms(use_true_random=False))
    def a_report_comes(self, chance: Random) -> None:
        self.play = Play(chance)

    @rule(chance=st.randoms(use_true_random=False))
    def something_is_done(self, chance: Random) -> None:
        # Nothing more can happen to a case that is over.
        if not self.play.over:
            self.play.step(chance)


def test_no_short_life_goes_wrong() -> None:
    """Hypothesis draws, and shortens what fails."""
    chosen = settings(max_examples=20, stateful_step_count=15, deadline=None, derandomize=True)
    run_state_machine_as_test(Life, settings=chosen)
