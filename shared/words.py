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
