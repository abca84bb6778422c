"""A thousand made personal numbers are hidden wherever they stand, and a thousand look-alikes stay as they are.

Numbers are nobody's: made by rule from a seed that stands in the test's name.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from shared.masking import mask

SEEDS = range(20)
EACH = 50

Made = Callable[[random.Random], str]


def digits(chance: random.Random, count: int) -> str:
    return "".join(str(chance.randrange(10)) for _ in range(count))


def mobile(chance: random.Random) -> str:
    number = f"1{chance.randrange(3, 10)}{digits(chance, 9)}"
    groups = chance.choice(((11,), (3, 4, 4), (3, 8), (7, 4), (4, 4, 3)))
    parts, begin = [], 0
    for size in groups:
        parts.append(number[begin : begin + size])
        begin += size
    written = chance.choice((" ", "-", "－", "　", ".")).join(parts)
    if chance.random() < 0.2:
        written = written.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    return chance.choice(("", "", "", "+86", "+86 ", "0086-")) + written


def spoken(chance: random.Random) -> str:
    number = f"1{chance.randrange(3, 10)}{digits(chance, 9)}"
    return number.translate(
        str.maketrans("0123456789", chance.choice(("零一二三四五六七八九", "〇幺二三四五六七八九")))
    )


def landline(chance: random.Random) -> str:
    code = chance.choice(("010", "021", "0871", "0755", "0312", "0999"))
    number = f"{chance.randrange(2, 10)}{digits(chance, 7 if len(code) == 3 else chance.choice((6, 7)))}"
    form = chance.choice(("{}-{}", "({}){}", "（{}）{}", "{} {}", "{}{}"))
    return form.format(code, number)


def identity_card(chance: random.Random) -> str:
    born = datetime(1940, 1, 1, tzinfo=UTC) + timedelta(days=chance.randrange(27_000))
    body = f"{chance.choice(('110105', '530102', '330108', '440305', '650102'))}{born:%Y%m%d}{digits(chance, 3)}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    check = "10X98765432"[sum(int(sign) * weight for sign, weight in zip(body, weights, strict=True)) % 11]
    return body + (check.lower() if chance.random() < 0.3 else check)


def bank_card(chance: random.Random) -> str:
    body = chance.choice(("6222", "6217", "6228")) + digits(chance, chance.choice((11, 14)))
    doubled = sum(sum(divmod(int(digit) * 2, 10)) for digit in body[::-2])
    check = (10 - (doubled + sum(int(digit) for digit in body[-2::-2])) % 10) % 10
    number = f"{body}{check}"
    if chance.random() < 0.5:
        return number
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def plate(chance: random.Random) -> str:
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    body = chance.choice(letters) + digits(chance, 4)
    if chance.random() < 0.3:
        body = chance.choice("DF") + chance.choice(letters) + digits(chance, 4)
    return chance.choice("京沪云粤川贵") + chance.choice("ABCDEFGH") + chance.choice(("", "·", " ")) + body


PERSONAL: tuple[tuple[str, Made], ...] = (
    ("mobile", mobile),
    ("spoken", spoken),
    ("landline", landline),
    ("identity card", identity_card),
    ("bank card", bank_card),
    ("plate", plate),
)
AROUND = (
    ("我的号码是", "，请回电"),
    ("", ""),
    ("张大爷（", "）反映"),
    ("请联系：", "。谢谢"),
    ("车主/住户", "\n门口漏水"),
    ("找我,", ",晚上在家"),
)


@pytest.mark.parametrize("seed", SEEDS)
def test_made_personal_numbers_are_hidden_and_nothing_around_them(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(EACH):
        kind, make = chance.choice(PERSONAL)
        number, (before, after) = make(chance), chance.choice(AROUND)
        masked = mask(f"{before}{number}{after}")
        assert number not in masked, (kind, number, masked)
        inner = masked[len(before) : len(masked) - len(after)]
        assert masked == f"{before}{inner}{after}", (kind, number, masked)
        hidden = inner.count("*")
        assert hidden >= (3 if kind == "plate" else 4), (kind, number, masked)


def case_number(chance: random.Random) -> str:
    return f"990101{day(chance):%Y%m%d}{chance.randrange(10_000):04d}"


def day(chance: random.Random) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(500_000))


LOOK_ALIKES: tuple[tuple[str, Made], ...] = (
    ("area", lambda chance: f"990101{chance.randrange(1, 400):03d}"),
    ("village", lambda chance: f"990101{chance.randrange(1, 400):03d}{chance.randrange(1, 400):03d}"),
    (
        "grid cell",
        lambda chance: (
            f"网格990101{chance.randrange(1, 20):03d}{chance.randrange(1, 20):03d}{chance.randrange(1, 99):03d}"
        ),
    ),
    ("case number", lambda chance: f"案件编号{case_number(chance)}"),
    ("order number", lambda chance: f"订单号：1{chance.randrange(3, 10)}{digits(chance, 9)}"),
    ("letters", lambda chance: f"{chance.choice(('GD', 'WO', 'SN'))}-1{chance.randrange(3, 10)}{digits(chance, 9)}"),
    ("money", lambda chance: f"{chance.choice(('￥', '¥'))}1{chance.randrange(3, 10)}{digits(chance, 9)}"),
    ("yuan", lambda chance: f"1{chance.randrange(3, 10)}{digits(chance, 9)}元"),
    ("decimal", lambda chance: f"{chance.randrange(1, 200_000)}.{digits(chance, 2)}元"),
    ("date", lambda chance: f"{day(chance):%Y-%m-%d %H:%M:%S}"),
    ("chinese date", lambda chance: f"{day(chance):%Y}年{day(chance):%m}月{day(chance):%d}日"),
    ("stamp", lambda chance: f"{day(chance):%Y%m%d%H%M%S}"),
    ("instant", lambda chance: day(chance).isoformat()),
    ("milliseconds", lambda chance: str(int(day(chance).timestamp() * 1000))),
    ("point", lambda chance: f"{chance.uniform(73, 135):.6f},{chance.uniform(18, 53):.6f}"),
    ("meter", lambda chance: f"水表读数{chance.randrange(100_000):06d}吨"),
    ("kilowatts", lambda chance: f"电表{chance.randrange(1_000_000)}千瓦时"),
    ("service", lambda chance: chance.choice(("12345", "110", "119", "12315", "95598", "4008001234", "400-800-1234"))),
    ("house", lambda chance: f"{chance.randrange(1, 300)}号{chance.randrange(1, 30)}栋{chance.randrange(101, 3000)}室"),
    ("uuid", lambda chance: str(uuid.UUID(int=chance.getrandbits(128), version=4))),
    ("trace", lambda chance: f"{chance.getrandbits(128):032x}a"[1:]),
    ("bus", lambda chance: f"{chance.randrange(1, 999)}路公交"),
    (
        "year in words",
        lambda chance: chance.choice(("二〇二六年一月", "一九四九年十月一日", "三一五晚会", "一三五单双号限行")),
    ),
    ("address of a machine", lambda chance: ".".join(str(chance.randrange(256)) for _ in range(4))),
    ("code", lambda chance: f"编码：{digits(chance, 18)}"),
)


@pytest.mark.parametrize("seed", SEEDS)
def test_made_look_alikes_stay_as_they_are(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(EACH):
        kind, make = chance.choice(LOOK_ALIKES)
        text = f"{chance.choice(('反映', '', '关于'))}{make(chance)}{chance.choice(('', '，请处理', ' 的问题'))}"
        assert mask(text) == text, (kind, text)


@pytest.mark.parametrize(
    ("text", "masked"),
    (
        ("电话一三八零零一三八零零零。", "电话一三八****八零零零。"),
        ("幺三八〇〇幺三八〇〇〇", "幺三八****八〇〇〇"),
        ("壹叁捌零零壹叁捌零零零", "壹叁捌****捌零零零"),
        ("一三八 零零一三 八零零零", "一三八 **** 八零零零"),
    ),
)
def test_a_mobile_number_written_in_chinese_numerals_is_hidden(text: str, masked: str) -> None:
    assert mask(text) == masked
