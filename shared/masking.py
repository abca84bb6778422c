"""Hide personal numbers in free text: phones, identity cards, bank cards and number plates.

Pure: no I/O. Intake masks a report's text with it before the text leaves intake; every log line
passes through it. A masked number keeps its length and its separators, so that offsets into the
text stay true, and keeps only as many digits as an officer needs to compare two of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final


def mask(text: str) -> str:
    """Return ``text`` with the digits of personal numbers replaced by ``*``; same length, idempotent.

    Text without digits comes back untouched. Codes that only look alike stay: area codes, case ids,
    order numbers, amounts, dates, UUIDs, service numbers such as 12345 and 400-numbers. Of numbers written in
    Chinese numerals a mobile one is hidden (一三八零零一三八零零零) and no other: years and amounts are written so too.
    """
    if _SPOKEN_HINT.search(text):
        text = _SPOKEN_MOBILE.sub(_spoken, text)
    if not _HAS_DIGIT.search(text) or not _PERHAPS.search(text) or _HEX_IDS.fullmatch(text):
        return text
    while (masked := _pass(text)) != text:
        text = masked
    return text


def _pass(text: str) -> str:
    """One pass of every kind; a pass that changes nothing is the fixed point that ``mask`` returns."""
    plain = before = text.translate(_PLAIN)
    kinds = _KINDS if _LONG.search(plain) else _PLATES
    hidden: set[int] = set()
    spared: list[tuple[int, int]] | None = None
    for kind in kinds:
        for match in kind.found_in(plain):
            start, end = match.span("number")
            if spared is None:
                spared = [one.span() for one in _HEX_IDS.finditer(before)]
            if not any(start < spared_end and spared_start < end for spared_start, spared_end in spared):
                hidden.update(kind.hidden(match))
        if hidden:
            plain = _starred(plain, hidden)
    return _starred(text, hidden) if hidden else text


def _spoken(match: re.Match[str]) -> str:
    """A mobile number in Chinese numerals with its four middle ones starred."""
    text = match[0]
    places = [place for place, sign in enumerate(text) if sign in _NUMERALS]
    return _starred(text, set(places[3:7]))


def _starred(text: str, positions: set[int]) -> str:
    return "".join("*" if position in positions else sign for position, sign in enumerate(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One kind of personal number: where it may stand, when it is one, how much of it stays readable."""

    pattern: re.Pattern[str]
    holds: Callable[[str, re.Match[str]], bool]
    head: int
    tail: int

    def found_in(self, plain: str) -> Iterator[re.Match[str]]:
        """The numbers of this kind in ``plain``; the group ``number`` is the number itself."""
        return (match for match in self.pattern.finditer(plain) if self.holds(plain, match))

    def hidden(self, match: re.Match[str]) -> list[int]:
        """The positions to star: the letters and digits after the head (or the group ``kept``) and before the tail."""
        start, end = match.span("number")
        if "kept" in match.re.groupindex:
            start = match.end("kept")
        signs = [position for position in range(start, end) if _SIGN.match(match.string, position)]
        return signs[self.head : len(signs) - self.tail]


_SIGN: Final = re.compile("[0-9A-Za-z]")
_NUMERALS: Final = "零〇一幺二三四五六七八九壹贰叁肆伍陆柒捌玖"
# Most texts hold two numerals side by side nowhere: they cost this one look.
_SPOKEN_HINT: Final = re.compile(
    "[一幺壹][ -]?[三四五六七八九叁肆伍陆柒捌玖][ -]?[零〇一幺二三四五六七八九壹贰叁肆伍陆柒捌玖]"
)
_SPOKEN_MOBILE: Final = re.compile(
    rf"(?<![{_NUMERALS}*])[一幺壹][ -]?[三四五六七八九叁肆伍陆柒捌玖](?:[ -]?[{_NUMERALS}]){{9}}(?![{_NUMERALS}*])"
)
_HAS_DIGIT: Final = re.compile(r"[0-9０-９]")

_WIDE: Final = {chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F)}
_DASHES: Final = dict.fromkeys("‐‑‒–—―−－ー", "-")
_SPACES: Final = dict.fromkeys("\u00a0\u2002\u2003\u2009\u200a\u202f\u3000\u200b\u200c\u200d\u2060\ufeff\t", " ")
# One sign for one sign, so that a position in the plain text is the same position in the original.
_PLAIN: Final = str.maketrans({**_WIDE, **_DASHES, **_SPACES, "·": ".", "•": "."})

_HEX_IDS: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
    r"|(?=[0-9]*[a-f])(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}))(?![0-9A-Za-z])"
)

# Every kind but the plates has seven digits with at most three other signs between two of them; most texts have not.
_LONG: Final = re.compile("(?:[0-9][^0-9]{0,3}){6}[0-9]")

_GAP: Final = r"[ \-._]{1,3}"
# A decimal fraction is no phone; a number after "1." in a list may be one.
_FREE: Final = r"(?<![0-9*])(?<![0-9][0-9]\.)(?<!0\.)"
_DONE: Final = r"(?![0-9*]|\.[0-9]{1,4}(?![0-9]))"
_CHINA: Final = r"\(?(?:\+ ?|00 ?)86\)?[ \-._]{0,3}"

# Labels that stand right before a number and say what it is.
_COLON: Final = r"[ :#=为是]{0,3}"
_CODE_LABEL: Final = re.compile(
    r"(?:[单编序代票件案批款卷]号|流水号?|订单|工单|案卷|编码|代码|区划|网格码?|批次|合同|金额"
    r"|(?<![a-z])(?:order|ticket|case|no|number|ref|offset|amount|code)\.?(?:[ _]?(?:id|no\.?))?)"
    rf"(?:号码?|编号)?{_COLON}$",
    re.IGNORECASE,
)
_CODE_LETTERS: Final = re.compile(r"(?<![A-Za-z])(?!(?:TEL|FAX|WX|VX|QQ|PH|MOB)[-_]?$)[A-Z]{2,6}[-_]?$")
_CARD_LABEL: Final = re.compile(r"(?:身份证|证件|公民身份|ID ?card)(?:号码?|编号)?[^0-9]{0,6}$", re.IGNORECASE)
_BANK_LABEL: Final = re.compile(rf"(?:银行卡?|卡|账|帐|储蓄卡|信用卡)号?码?{_COLON}$")
_MONEY_BEFORE: Final = re.compile(r"[¥￥$€][ ]?$")
_MONEY_AFTER: Final = re.compile(r" ?(?:[万亿%]|元(?!旦|宵|月)|块钱|吨|千瓦|立方|平方)")
_LABEL_REACH: Final = 24


def _before(plain: str, match: re.Match[str]) -> str:
    start = match.start("number")
    return plain[max(0, start - _LABEL_REACH) : start]


def _is_code_or_money(plain: str, match: re.Match[str]) -> bool:
    before = _before(plain, match)
    if _MONEY_BEFORE.search(before) or _MONEY_AFTER.match(plain, match.end("number")):
        return True
    return _CODE_LABEL.search(before) is not None or _CODE_LETTERS.search(before) is not None


def _is_phone(plain: str, match: re.Match[str]) -> bool:
    return "+" in match.group("number") or not _is_code_or_money(plain, match)


def _digits(match: re.Match[str]) -> str:
    return re.sub(r"[^0-9Xx]", "", match.group("number")).upper()


_PROVINCE: Final = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]")
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _is_identity_card(plain: str, match: re.Match[str]) -> bool:
    """An 18-digit card by its province, birth date and check sign (GB 11643); a mistyped one by its label."""
    card = _digits(match)
    labelled = _CARD_LABEL.search(_before(plain, match)) is not None
    if not _PROVINCE.match(card):
        return labelled
    checked = "10X98765432"[sum(int(sign) * weight for sign, weight in zip(card, _WEIGHTS, strict=False)) % 11]
    if checked == card[17] or card[17] == "X":
        return labelled or not _is_code_or_money(plain, match)
    return labelled


def _is_old_identity_card(plain: str, match: re.Match[str]) -> bool:
    """A 15-digit card has no check sign; births before 1940 need a label, for there a grid cell's code looks alike."""
    card = _digits(match)
    if _CARD_LABEL.search(_before(plain, match)):
        return True
    return _PROVINCE.match(card) is not None and int(card[6:8]) >= 40 and not _is_code_or_money(plain, match)  # noqa: PLR2004


def _is_bank_card(plain: str, match: re.Match[str]) -> bool:
    """A card by its issuer prefix and Luhn sum (ISO/IEC 7812), or any number of that length right after 卡号."""
    card = _digits(match)
    if _BANK_LABEL.search(_before(plain, match)):
        return True
    issued = card.startswith("62") or (len(card) == 16 and card[0] in "45")  # noqa: PLR2004
    return issued and _luhn(card) and not _is_code_or_money(plain, match)


def _luhn(card: str) -> bool:
    doubled = (sum(divmod(int(digit) * 2, 10)) for digit in card[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in card[-1::-2])) % 10 == 0


def _is_plate(_plain: str, match: re.Match[str]) -> bool:
    return any(sign.isdigit() for sign in match.group("number"))


def _always(_plain: str, _match: re.Match[str]) -> bool:
    return True


_MONTH_DAY: Final = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_ISSUING: Final = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
_PLATE_SIGN: Final = "[A-HJ-NP-Za-hj-np-z0-9]"
_NOT_A_WORD: Final = "(?![0-9A-Za-z*])"

_IDENTITY_CARD: Final = _Kind(
    pattern=re.compile(
        rf"{_FREE}(?P<number>[1-9][0-9]{{5}}(?:{_GAP})?(?:18|19|20)[0-9]{{2}}{_MONTH_DAY}"
        rf"(?:{_GAP})?[0-9]{{3}}[0-9Xx]){_NOT_A_WORD}"
    ),
    holds=_is_identity_card,
    head=2,
    tail=2,
)
_OLD_IDENTITY_CARD: Final = _Kind(
    pattern=re.compile(rf"{_FREE}(?P<number>[1-9][0-9]{{7}}{_MONTH_DAY}[0-9]{{3}}){_DONE}"),
    holds=_is_old_identity_card,
    head=2,
    tail=2,
)
_BANK_CARD: Final = _Kind(
    pattern=re.compile(rf"{_FREE}(?P<number>(?:[0-9]{{4}}{_GAP}){{3,4}}[0-9]{{1,4}}|[0-9]{{16,19}}){_DONE}"),
    holds=_is_bank_card,
    head=4,
    tail=4,
)
_MOBILE_ABROAD: Final = _Kind(
    pattern=re.compile(
        rf"{_FREE}(?P<number>(?P<kept>{_CHINA}|\(?86\)?[ \-._]{{0,3}})1[3-9](?:[ \-._]?[0-9]){{9}}){_DONE}"
    ),
    holds=_is_phone,
    head=0,
    tail=4,
)
# Whole, in the groups people write (3-4-4, 3-8, 7-4, 4-4-3, 3-3-5), or sign by sign.
_MOBILE: Final = _Kind(
    pattern=re.compile(
        rf"{_FREE}(?P<number>0?1[3-9](?:[0-9]{{9}}|[0-9]{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}|[0-9]{_GAP}[0-9]{{8}}"
        rf"|[0-9]{{5}}{_GAP}[0-9]{{4}}|[0-9]{{2}}{_GAP}[0-9]{{4}}{_GAP}[0-9]{{3}}|[0-9]{_GAP}[0-9]{{3}}{_GAP}[0-9]{{5}}"
        rf")|1[ \-._][3-9](?:[ \-._][0-9]){{9}}){_DONE}"
    ),
    holds=_is_phone,
    head=3,
    tail=4,
)
# With the area code (010, 02x, 03xx to 09xx, which stays) and perhaps an extension.
_LANDLINE: Final = _Kind(
    pattern=re.compile(
        rf"{_FREE}(?<![0-9]-)(?P<number>(?P<kept>(?:{_CHINA})?\(?0(?:10|2[0-9]|[3-9][0-9]{{2}})\)?)"
        rf"[ \-._]{{0,3}}[2-9][0-9]{{2,3}}[ \-._]?[0-9]{{4}}(?:(?:-|转|ext\.? ?)[0-9]{{1,6}})?){_DONE}"
    ),
    holds=_is_phone,
    head=0,
    tail=2,
)
_LANDLINE_ABROAD: Final = _Kind(
    pattern=re.compile(
        rf"{_FREE}(?P<number>(?P<kept>{_CHINA}(?:10|2[0-9]|[3-9][0-9]{{2}}))"
        rf"[ \-]?[2-9][0-9]{{2,3}}[ \-]?[0-9]{{4}}){_DONE}"
    ),
    holds=_always,
    head=0,
    tail=2,
)
# Without area code only where a word says that it is one, or where it follows one in a list.
_LABELLED_LANDLINE: Final = _Kind(
    pattern=re.compile(
        r"(?:(?:电话|座机|固话|手机|联系方式|致电|拨打|tel|phone)(?:号码?)?[ :是为.]{0,3}"
        rf"|\*[0-9]{{2}}(?:[、,/; ]{{1,3}}|或者?|和|及)(?!(?:19|20)[0-9]{{2}}{_MONTH_DAY}{_DONE}))"
        rf"(?P<number>[2-9][0-9]{{2,3}}[ \-]?[0-9]{{4}}){_DONE}",
        re.IGNORECASE,
    ),
    holds=_always,
    head=1,
    tail=2,
)
# GA 36; the green plates of electric vehicles have one sign more.
_PLATE: Final = _Kind(
    pattern=re.compile(
        rf"(?P<number>{_ISSUING}[A-HJ-NP-Za-hj-np-z][ .\-]{{0,2}}"
        rf"(?:{_PLATE_SIGN}{{5,6}}|{_PLATE_SIGN}{{4}}[挂学警港澳])){_NOT_A_WORD}"
    ),
    holds=_is_plate,
    head=1,
    tail=2,
)
_POLICE_PLATE: Final = _Kind(
    pattern=re.compile(rf"(?P<number>WJ{_ISSUING}?[0-9]{{4}}[0-9A-Z]){_NOT_A_WORD}"),
    holds=_always,
    head=2,
    tail=2,
)

_PLATES: Final = (_PLATE, _POLICE_PLATE)
_PERHAPS: Final = re.compile(
    "(?:[0-9０-９][^0-9０-９]{0,3}){6}[0-9０-９]"
    f"|[WＷ][JＪ]|{_ISSUING}[A-HJ-NP-Za-hj-np-zＡ-ＨＪ-ＮＰ-Ｚａ-ｈｊ-ｎｐ-ｚ]"
)
"""A long number, or how a plate begins, as people write them: a text without either needs no closer look."""
_KINDS: Final = (
    _IDENTITY_CARD,
    _OLD_IDENTITY_CARD,
    _BANK_CARD,
    _MOBILE_ABROAD,
    _MOBILE,
    _LANDLINE,
    _LANDLINE_ABROAD,
    _LABELLED_LANDLINE,
    *_PLATES,
)
"""Longer kinds first: a phone may stand inside a card's digits, never the other way round."""
