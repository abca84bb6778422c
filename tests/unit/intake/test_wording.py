"""What is remembered of letters fits the memory that it is given."""

import random
import tracemalloc
from typing import Final

from services.intake.domain.alike.wording import BODY, TITLE, Wording, marks_of

LETTERS: Final = 48
MOST_BYTES: Final = 128 << 20


def test_the_marks_of_as_many_of_the_longest_letters_as_are_remembered_fit_128_mib() -> None:
    chance = random.Random(1)
    signs = [chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(3000)]
    letters = [
        Wording(title="".join(chance.choices(signs, k=TITLE)), body="".join(chance.choices(signs, k=BODY)))
        for _ in range(LETTERS)
    ]
    remembered = marks_of.cache_info().maxsize
    assert remembered is not None
    tracemalloc.start()
    try:
        kept = [marks_of(letter) for letter in letters]
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(kept) == LETTERS
    assert held / LETTERS * remembered < MOST_BYTES
