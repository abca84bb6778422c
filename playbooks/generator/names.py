"""Invented names in Chinese and pinyin; villages are put together from two parts each."""

import random
from itertools import product
from typing import Final, NamedTuple


class Place(NamedTuple):
    """A name, its pinyin, and what the place calls itself."""

    zh: str
    en: str
    kind: str


KINDS_EN: Final = {"街道": "Subdistrict", "镇": "Town", "乡": "Township", "社区": "Community", "村": "Village"}

TOWNS: Final = (
    ("001", Place("麓城", "Lucheng", "街道")),
    ("002", Place("南屏", "Nanping", "街道")),
    ("101", Place("云溪", "Yunxi", "镇")),
    ("102", Place("青萝", "Qingluo", "镇")),
    ("103", Place("鹭渡", "Ludu", "镇")),
    ("104", Place("松坪", "Songping", "镇")),
    ("105", Place("砚石", "Yanshi", "镇")),
    ("106", Place("茗岭", "Mingling", "镇")),
    ("107", Place("稻香", "Daoxiang", "镇")),
    ("108", Place("枕河", "Zhenhe", "镇")),
    ("201", Place("竹影", "Zhuying", "乡")),
    ("202", Place("寒泉", "Hanquan", "乡")),
)
"""Digits 7 to 9 of the code: 001 on for subdistricts, 101 on for towns, 201 on for townships."""

_FIRST: Final = (
    ("青", "Qing"), ("白", "Bai"), ("石", "Shi"), ("柳", "Liu"), ("桃", "Tao"), ("枫", "Feng"), ("云", "Yun"),
    ("双", "Shuang"), ("上", "Shang"), ("下", "Xia"), ("大", "Da"), ("小", "Xiao"), ("龙", "Long"), ("竹", "Zhu"),
    ("茶", "Cha"), ("松", "Song"), ("杏", "Xing"), ("梅", "Mei"), ("鹤", "He"), ("雁", "Yan"), ("月", "Yue"),
    ("金", "Jin"), ("清", "Qing"), ("长", "Chang"),
)  # fmt: skip
_SECOND: Final = (
    ("溪", "xi"), ("桥", "qiao"), ("坪", "ping"), ("湾", "wan"), ("岭", "ling"), ("塘", "tang"), ("井", "jing"),
    ("坡", "po"), ("渡", "du"), ("庄", "zhuang"), ("寨", "zhai"), ("田", "tian"), ("林", "lin"), ("坝", "ba"),
    ("沟", "gou"), ("垭", "ya"),
)  # fmt: skip

_STEMS: Final = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES: Final = "子丑寅卯辰巳午未申酉戌亥"
_FAMILY: Final = "麓砚哨岑"


def village_names(rng: random.Random, count: int) -> list[tuple[str, str]]:
    """Return `count` different names with different pinyin, so that both languages tell them apart."""
    names: dict[str, str] = {}
    for (zh1, en1), (zh2, en2) in rng.sample(tuple(product(_FIRST, _SECOND)), len(_FIRST) * len(_SECOND)):
        names.setdefault(en1 + en2, zh1 + zh2)
        if len(names) == count:
            break
    return [(zh, en) for en, zh in names.items()]


def officer_name(number: int) -> str:
    """Return an obviously invented name: a letter of the county and a pair of the sixty-year cycle."""
    pair = _STEMS[number % 10] + _BRANCHES[number % 12]
    return f"{_FAMILY[number // 60 % len(_FAMILY)]}{pair}"
