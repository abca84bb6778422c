"""The code by which a reporter follows their report: whoever has it may look, rate and reopen, nobody else.

Eighty random bits in Crockford's base 32, so that it can be read out over a telephone and never guessed; only its
SHA-256 leaves intake, so that nobody who reads events can act as the reporter.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

from shared.vocabulary import Refused

_SIGNS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = 16
_BITS: Final = 5
"""Of one sign."""
_PAIR: Final = 2 * _BITS
_PAIRS: Final = tuple(first + second for first in _SIGNS for second in _SIGNS)
_CODE: Final = re.compile(f"[{_SIGNS}]{{{_LENGTH}}}")
_READ_AS: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def new_code() -> str:
    """A code nobody has: four groups of four signs, ``K7QM-2XVN-8RTD-C4HP``."""
    bits = secrets.randbits(_BITS * _LENGTH)
    pairs = [_PAIRS[bits >> shift & len(_PAIRS) - 1] for shift in range(0, _BITS * _LENGTH, _PAIR)]
    return "{}{}-{}{}-{}{}-{}{}".format(*pairs)


def digest_of_code(code: str) -> str:
    """The SHA-256, in hex, of a code as somebody typed it.

    Case, spaces and hyphens do not count, O is read as 0, I and L as 1.

    Raises:
        Refused: it is no tracking code at all.
    """
    tidy = code.strip().upper().translate(_READ_AS)
    if _CODE.fullmatch(tidy) is None:
        raise Refused(
            "that is no tracking code", field="code", allowed=["16 letters and digits, as in K7QM-2XVN-8RTD-C4HP"]
        )
    return hashlib.sha256(tidy.encode()).hexdigest()
