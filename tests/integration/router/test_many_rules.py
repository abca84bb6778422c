"""The index against the plain walk over a hundred thousand pairs of rule set and case; more by WHISTLE_RULE_SETS."""

import os

from tests.fakes.both_walks import CASES, compare_walks

SETS = int(os.environ.get("WHISTLE_RULE_SETS", "1000"))


def test_the_index_equals_the_plain_walk_on_a_hundred_thousand_cases() -> None:
    assert SETS * CASES >= 100_000 or "WHISTLE_RULE_SETS" in os.environ
    compare_walks(sets=SETS)
