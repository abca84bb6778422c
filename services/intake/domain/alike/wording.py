"""What of a text tells one matter from another: its grams, the places it names, the numbers of houses and lines.

Chinese has no spaces, so likeness is counted in runs of two and three characters (grams). Words that every
report uses (领导, 请求, 附近) are left out first: with them strangers look alike.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from operator import add
from typing import Final

TITLE: Final = 80
"""Characters of the first sentence that count."""
BODY: Final = 600
"""Characters of what follows that count: a letter's end thanks and hopes."""
NAMES_KEPT: Final = 24


def _one_of(words: str) -> re.Pattern[str]:
    """Finds any of ``words``, the longest that fits."""
    return re.compile("|".join(sorted(map(re.escape, words.split()), key=len, reverse=True)))


_COURTESY: Final = _one_of("""
    尊敬的 领导 您好 你好 请求 请问 希望 相关部门 有关部门 反映 反应 投诉 举报 咨询 建议 关于 谢谢
    感谢 百忙之中 严重 影响 问题 解决 处理 尽快 政府 居民 业主 市民 群众 百姓 附近 旁边 我们 你们
    他们 我是 一个 没有 为什么 什么 怎么 能否 是否 可以 能不能 已经 现在 一直 非常 以及 因为 所以
    但是 如果 这个 那个 这样 小区 周边 周围 部门 管理 进行 不能 不要 多次 至今 目前 生活 正常 情况
    书记 市长 县长 局长 区长 镇长 村长 要求 帮忙 帮助 给予 请 求 吗 呢 的 了 是 在 和 与 及 也 都 就
    还 又 被 把 对 我 你 他 她 们 这 那 有 不""")
_SIGNS: Final = re.compile(r"[^\u4e00-\u9fffa-z0-9]+")
_ADMINISTRATIVE: Final = re.compile(r"[A-Z][0-9]*(?:市|县|区)|[\u4e00-\u9fff]{2,4}(?:街道|自治区)")
"""Areas that hold many places say where, but name none."""

_SUFFIX: Final = _one_of("""
    花园 家园 公寓 大厦 广场 新城 公园 学校 中学 小学 大学 学院 幼儿园 医院 市场 地铁站 火车站
    高铁站 汽车站 工业园 安置房 安置区 宿舍 国际 酒店 水库 湖 桥 路 街 巷 大道 村 苑 城 府 庭 湾 畔
    郡 邸 园 汇 庙 小区 社区""")
_SETTLEMENTS: Final = frozenset({"小区", "社区"})
"""People leave these away: 丽园小区 is 丽园."""
_WITHIN: Final = frozenset({"学校", "中学", "小学", "大学", "学院", "幼儿园", "医院"})
"""What a village, an estate or a road has: behind its name it is a place of its own."""
_HEAD: Final = 4
"""Characters before a suffix that may belong to the name."""
_SHORTEST_HEAD: Final = 2
_NO_NAME: Final = re.compile(
    "(?:"
    + _one_of("""
    政府 道路 马路 公路 铁路 线路 公司 城管 城市 城乡 天桥 旧城 中心城 出路 一路 半路 占路 本村 农村
    断头路 过街 上街 逛街 当街 沿街 临街 背街 全城 县城 校园 网路 思路 法院 家庭 路口 学校大桥
    绕路 封路 堵路 拦路 挡路 带路 赶路 走路 过路 找路 迷路 认路 弯路 水泥路 砂石路 泥巴路 柏油路 沥青路
    机耕路""").pattern
    + ")$"
)
"""What ends like a name and is none."""
_NAME_YET: Final = ("公园", "玉带路", "银带路", "金带路", "锦带路", "开封路", "登封路", "五一路", "统一路")
"""What is a name although it ends like one of these."""
_KINDS: Final = frozenset({"农贸市场", "集贸市场", "菜市场", "批发市场", "安置小区", "中心幼儿园", "村委会大楼"})
"""Kinds of places: every town has some, and which one is meant the words before say."""
_BEFORE_A_NAME: Final = re.compile(
    r"[^\u4e00-\u9fffA-Za-z0-9]|"
    + _one_of("""
    尽快 处理 解决 整治 位于 住在 关于 投诉 举报 反映 反应 请问 请求 请 咨询 建议 希望 我是 我们 本人 在 于 从 到 至 与
    和 及 的 了 是 对 向 把 被 由 为 给 让 就 也 都 有 旁 边 内 里 外 上 下 前 后 附近 领导 尊敬
    开发商 一名 业主 整个 这个 那个 每个 该 此 各 某 全 几 多 不 新建 修建 建设 建 加快 修 设 进出
    进入 栋 期 号 楼""").pattern
)
"""Words and signs that end what stands before a name."""

_NUMBERED: Final = re.compile(r"([0-9]+|[一二三四五六七八九十]+)(号线|号楼|标段|单元|栋|幢|座|期|组|弄|路|号|队)")
_FIGURES: Final = {sign: str(number) for number, sign in enumerate("一二三四五六七八九十", start=1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A report's masked text as it is compared: at most 680 characters of it, and never its sender."""

    title: str
    body: str = ""

    @property
    def text(self) -> str:
        """Both together."""
        return f"{self.title}\n{self.body}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a wording tells; ``issue`` are the title's grams without those of names, ``of_names``.

    Grams are kept as their CRC-32, for as strings they take twice the room. One pair in 2,400 of the longest letters
    (1,350 grams each) shares a number that is of two grams: their likeness is a thousandth too high.
    ``name_runs`` are the grams of its places: two names that can mean one place share one. ``numbers`` are pairs of
    unit and figure: 栋 3, 号线 2.
    """

    grams: frozenset[int]
    issue: frozenset[int]
    of_names: frozenset[int]
    title_places: frozenset[str]
    places: frozenset[str]
    name_runs: frozenset[str]
    title_numbers: frozenset[tuple[str, str]]
    numbers: frozenset[tuple[str, str]]

    @property
    def content(self) -> frozenset[int]:
        """All grams without those of names; made when asked for, for it is as large as the rest together."""
        return self.grams - self.of_names


def wording_of(title: str, text: str) -> Wording:
    """The wording of a masked text whose first sentence is ``title``, perhaps cut short."""
    title = title.removesuffix("…")
    body = text.removeprefix(title).strip()
    return Wording(title=title[:TITLE], body=body[:BODY])


@lru_cache(maxsize=1024)
def marks_of(wording: Wording) -> Marks:
    """What ``wording`` tells; remembered, for one case is compared with many reports."""
    title, body = (unicodedata.normalize("NFKC", part) for part in (wording.title, wording.body))
    title_places, issue, title_numbers = places_in(title), grams_of(title), _numbers(title)
    places, grams, numbers = title_places, issue, title_numbers
    if body:
        places, grams, numbers = places | places_in(body), grams | grams_of(body), numbers | _numbers(body)
    kinds = [kind for kind in _KINDS if kind in title or kind in body]
    name_runs = _runs(map(str.lower, places))
    of_names = name_runs | _runs(kinds)
    return Marks(
        grams=_hashed(grams),
        issue=_hashed(issue - of_names),
        of_names=_hashed(of_names),
        title_places=title_places,
        places=places,
        name_runs=name_runs,
        title_numbers=title_numbers,
        numbers=numbers,
    )


def grams_of(text: str) -> frozenset[str]:
    """The runs of two and three characters of ``text``, without courtesies, signs and administrative areas."""
    plain = _SIGNS.sub(" ", _ADMINISTRATIVE.sub(" ", text).lower())
    return _runs(_COURTESY.sub(" ", plain).split())


def places_in(text: str) -> frozenset[str]:
    """The places that ``text`` names by a word that ends like a place: a road, an estate, a school."""
    found: list[str] = []
    for part in _BEFORE_A_NAME.split(_ADMINISTRATIVE.sub(" ", text)):
        if len(part) > _SHORTEST_HEAD:
            found += _names(part)
    return frozenset(found[:NAMES_KEPT])


@lru_cache(maxsize=65536)
def is_one_place(one: str, other: str) -> bool:
    """Whether two names can mean one place: people leave away its beginning (东方丽园, 丽园) or its end."""
    shorter, longer = (one, other) if len(one) <= len(other) else (other, one)
    return longer.startswith(shorter) or (len(shorter) > _SHORTEST_HEAD and shorter in longer)


def _names(part: str) -> list[str]:
    found: list[str] = []
    begin = 0
    for match in _SUFFIX.finditer(part):
        if found and match.start() == begin and match.group() in _WITHIN:
            # 梅坪村小学 and 梅坪村中学 are two places of one village.
            found[-1] += match.group()
            begin = match.end()
            continue
        head = part[max(begin, match.start() - _HEAD) : match.start()]
        name = head if match.group() in _SETTLEMENTS else head + match.group()
        if len(head) >= _SHORTEST_HEAD and _is_name(name):
            found.append(name)
            begin = match.end()
    return found


def _is_name(name: str) -> bool:
    return name not in _KINDS and (name.endswith(_NAME_YET) or _NO_NAME.search(name) is None)


def _numbers(text: str) -> frozenset[tuple[str, str]]:
    return frozenset((unit, _FIGURES.get(figure, figure)) for figure, unit in _NUMBERED.findall(text))


def _runs(words: Iterable[str]) -> frozenset[str]:
    runs: set[str] = set()
    for word in words:
        pairs = list(map(add, word, word[1:]))
        runs.update(pairs, map(add, pairs, word[2:]))
    return frozenset(runs)


def _hashed(grams: Iterable[str]) -> frozenset[int]:
    # By way of a set, whose table is then made once and to measure: one that grows is up to twice as large.
    return frozenset({*map(zlib.crc32, map(str.encode, grams))})
