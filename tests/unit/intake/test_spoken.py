"""What a text says of now, and what it denies, fears or remembers."""

import pytest

from services.intake.domain.reading.spoken import spoken

SAID = (
    ("楼上着火了", "着火"),
    ("着火!着火!", "着火"),
    ("恐怕着火了,快来", "着火"),
    ("有人被困在电梯里", "被困"),
    ("楼道没灯老人摔倒被困", "被困"),
    ("没有人管,老人被困", "被困"),
    ("去年修的墙倒了,现在有人受伤", "有人受伤"),
    ("没有起火,但有人晕倒", "晕倒"),
    ("上次没人受伤。这次有人受伤", "有人受伤"),
    ("无人受伤,不过有两人被困", "被困"),
    ("老人没有呼吸了", "没有呼吸"),
    ("可能着火了", "着火"),
    ("正在着火中,浓烟", "着火"),
    ("GAS LEAK now", "gas leak"),
    ("消防车来了,还在着火", "着火"),
)
NOT_SAID = (
    ("没有人员被困", "被困"),
    ("暂无群众被困", "被困"),
    ("未造成人员伤亡", "伤亡"),
    ("并未发生火灾", "火灾"),
    ("无人员受伤和被困", "被困"),
    ("没有伤亡和被困", "被困"),
    ("不是火灾", "火灾"),
    ("没着火", "着火"),
    ("要是着火消防车怎么进", "着火"),
    ("万一起火,跑都跑不掉", "起火"),
    ("担心引发火灾", "火灾"),
    ("避免发生爆炸", "爆炸"),
    ("小区存在火灾隐患", "火灾"),
    ("组织防溺水教育", "溺水"),
    ("开展火灾演练", "火灾"),
    ("建议张贴爆炸危险标志", "爆炸"),
    ("去年发生火灾后一直没修", "火灾"),
    ("路灯不亮", "着火"),
)


@pytest.mark.parametrize(("text", "word"), SAID, ids=[text for text, _ in SAID])
def test_what_is_so_now_is_said(text: str, word: str) -> None:
    assert spoken([word], text) == (word,)


@pytest.mark.parametrize(("text", "word"), NOT_SAID, ids=[text for text, _ in NOT_SAID])
def test_what_is_denied_feared_or_past_is_not_said(text: str, word: str) -> None:
    assert spoken([word], text) == ()


def test_one_plain_mention_among_denied_ones_is_enough() -> None:
    assert spoken(["着火"], "一楼没着火,二楼着火了") == ("着火",)


def test_words_come_in_the_countys_order() -> None:
    assert spoken(["被困", "着火"], "着火了,有人被困") == ("被困", "着火")
