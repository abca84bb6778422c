"""The forms of texts that callers meet, each as a regular expression and in words: an error says the words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shared.vocabulary import AREA_PATTERN, CATEGORY_PATTERN

VISIBLE: Final = r"^[\x21-\x7e]+$"
WEB_ADDRESS: Final = r"^(https?://\S+)?$"
DIGEST: Final = "^[0-9a-f]{64}$"
LIST: Final = r"^[0-9A-Za-z ,.{}:_-]*$"
"""Codes or ids with commas: no sign of it takes more than three in a URL, so a bound on the list bounds the head."""

WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        AREA_PATTERN: "6, 9, 12 or 15 digits of an area code: county, town, village, grid cell",
        CATEGORY_PATTERN: "a category's code, such as 03.012: 1 to 32 letters, digits, dots and hyphens",
        VISIBLE: "visible ASCII characters without spaces",
        WEB_ADDRESS: "an address that begins with http:// or https://",
        DIGEST: "64 digits of 0-9 and a-f",
        LIST: "codes or ids with commas: letters, digits, spaces, dots, colons, hyphens, underscores and braces",
    }
)
"""Every pattern of the HTTP interfaces stands here; a test looks through their descriptions for others."""
