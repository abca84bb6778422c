"""Codes that several services put into sentences, in both languages (docs/glossary.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from shared.vocabulary import ClockKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One thing said in both languages."""

    zh: str
    en: str


CLOCKS: Final[Mapping[ClockKind, Words]] = MappingProxyType(
    {
        ClockKind.ACCEPT: Words(zh="受理", en="acceptance"),
        ClockKind.DISPATCH: Words(zh="派遣", en="dispatch"),
        ClockKind.SIGN_IN: Words(zh="签收", en="sign-in"),
        ClockKind.ARRIVE: Words(zh="到场", en="arrival"),
        ClockKind.HANDLE: Words(zh="处置", en="handling"),
        ClockKind.FEEDBACK: Words(zh="反馈", en="feedback"),
        ClockKind.VERIFY: Words(zh="核查", en="verification"),
        ClockKind.SUPERVISE: Words(zh="督办", en="supervision"),
    }
)


def halves(text: str) -> Words:
    """The two languages of a sentence that a service wrote as ``中文 | English``; a sentence in one stands for both."""
    zh, bar, en = text.partition(" | ")
    return Words(zh=zh, en=en) if bar else Words(zh=text, en=text)


def limit_words(limit: str) -> Words:
    """The two languages of a clock's limit, ``4 工作时 (4 working hours)``; what is in one stands for both."""
    zh, bracket, en = limit.partition(" (")
    return Words(zh=zh, en=en.removesuffix(")")) if bracket else Words(zh=limit, en=limit)
