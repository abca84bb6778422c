"""Words in both languages of the product."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A name or sentence in both languages of the product."""

    zh: str
    en: str
