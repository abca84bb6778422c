"""Personal numbers are hidden wherever they stand; codes that only look like them stay."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.masking import mask

PERSONAL = (
    # mobile numbers
    ("请拨打13800138000，急", "请拨打138****8000，急"),
    ("138 0013 8000", "138 **** 8000"),
    ("138-0013-8000", "138-****-8000"),
    ("138.0013.8000", "138.****.8000"),
    ("1380013 8000", "138**** 8000"),
    ("1380-0138-000", "138*-***8-000"),
    ("138 001 38000", "138 *** *8000"),
    ("138 00138000", "138 ****8000"),
    ("1 3 8 0 0 1 3 8 0 0 0", "1 3 8 * * * * 8 0 0 0"),
    ("+8613800138000", "+86*******8000"),
    ("+86 138 0013 8000", "+86 *** **** 8000"),
    ("+86-138-0013-8000", "+86-***-****-8000"),
    ("0086 13800138000", "0086 *******8000"),
    ("(+86)13800138000", "(+86)*******8000"),
    ("8613800138000", "86*******8000"),
    ("１３８００１３８０００", "１３８****８０００"),
    ("＋８６　１３８－００１３－８０００", "＋８６　***－****－８０００"),
    ("138\u200b0013\u200b8000", "138\u200b****\u200b8000"),
    ("手机:13800138000/15912345678", "手机:138****8000/159****5678"),
    ("tel:13800138000", "tel:138****8000"),
    ("TEL13800138000", "TEL138****8000"),
    ("微信同号wx19912345678谢谢", "微信同号wx199****5678谢谢"),
    ("张大爷013800138000", "张大爷013*****8000"),
    ("欠13800138000元旦前还", "欠138****8000元旦前还"),
    ("栋12-13800138000", "栋12-138****8000"),
    ("1.13800138000 2.15912345678", "1.138****8000 2.159****5678"),
    # landlines
    ("0871-63123456", "0871-******56"),
    ("0871 6312 3456", "0871 **** **56"),
    ("(0871)63123456", "(0871)******56"),
    ("（０８７１）６３１２３４５６", "（０８７１）******５６"),
    ("087163123456", "0871******56"),
    ("0312-3123456", "0312-*****56"),
    ("010-62345678", "010-******78"),
    ("01062345678", "010******78"),
    ("0871-63123456转801", "0871-********转*01"),
    ("0871-63123456-12", "0871-********-12"),
    ("+86 871 6312 3456", "+86 871 **** **56"),
    ("+86-10-62345678", "+86-10-******78"),
    ("联系电话：63123456", "联系电话：6*****56"),
    ("座机 6312-3456", "座机 6***-**56"),
    ("联系电话：3322792、3321147，谢谢", "联系电话：3****92、3****47，谢谢"),
    ("致电7710052或者7179355", "致电7****52或者7****55"),
    # identity cards (made: right check sign, nobody's)
    ("11010519491231002X", "11**************2X"),
    ("11010519491231002x", "11**************2x"),
    ("身份证110105194912310021，本人", "身份证11**************21，本人"),
    ("110105 19491231 002X", "11**** ******** **2X"),
    ("１１０１０５１９４９１２３１００２Ｘ", "１１**************２Ｘ"),
    ("身份证号 110105491231002", "身份证号 11***********02"),
    ("身份证号：530102250101001", "身份证号：53***********01"),
    ("330108891231001", "33***********01"),
    # bank cards (made: right Luhn sum)
    ("6222021234567890128", "6222***********0128"),
    ("6222 0212 3456 7890 128", "6222 **** **** ***0 128"),
    ("6222-0212-3456-7890-128", "6222-****-****-***0-128"),
    ("4111111111111111", "4111********1111"),
    ("卡号：6222021234567890123", "卡号：6222***********0123"),
    # number plates
    ("云A12345", "云A***45"),
    ("云A·D1234学", "云A·***34学"),
    ("云A D12345堵路", "云A ****45堵路"),
    ("粤BD12345", "粤B****45"),
    ("云a12345", "云a***45"),
    ("京Ａ·１２３４５", "京Ａ·***４５"),
    ("川A1234警", "川A**34警"),
    ("WJ云12345", "WJ云***45"),
)

STAYS = (
    "990101",
    "990101003",
    "990101003012",
    "990101003012045",
    "530102001001001",  # a grid cell whose middle reads like a date
    "110105194912310021",  # a wrong check sign and no label
    "990101202611210001",  # a case number built from area, day and counter
    "案卷编号530102202611210015",
    "工单号：13800138000",
    "订单号 15912345678",
    "单号20261121000123456789",
    "GD13800138000",
    "WO-15912345678",
    "order no. 13800138000",
    "offset 13800138000",
    "金额13800138000元",
    "投资15000000000元",
    "￥13800138000",
    "共13800138000.50",
    "0.13800138000",
    "102.13800138000",
    "1,380,013,800,000",
    "1763712345678",
    "2026-11-21 13:45:00",
    "2026-11-21T13:45:00.123456+08:00",
    "20261121134500123",
    "0f8fad5b-d9cb-469f-a165-138001380001",
    "13800138-0013-4800-8138-001380013800",
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "00f067aa0ba902b7",
    "拨打12345",
    "110、119、120都打过了",
    "4008001234",
    "400-800-1234",
    "第138号13栋2单元1301室",
    "100.123456,26.123456",
    "13、14、15、16、17楼",
    "4111111111111112",  # a wrong Luhn sum
    "20261121000123456",
    "12028",
    "云A区3栋",
    "新A股",
    "鲁A1",
    "川A1234567890",
    "12345678901",
    "v1.13.8.0",
    "192.168.138.100",
    "2026年11月、20261121、3321147号",
    "没有数字的一句话",
    "",
)


@pytest.mark.parametrize(("text", "masked"), PERSONAL)
def test_a_personal_number_is_hidden(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize("text", STAYS)
def test_a_look_alike_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("text", STAYS)
def test_a_look_alike_stays_inside_a_sentence(text: str) -> None:
    sentence = f"反映：{text}，请处理。"
    assert mask(sentence) == sentence


@pytest.mark.parametrize(("text", "masked"), PERSONAL)
def test_a_masked_text_keeps_its_length(text: str, masked: str) -> None:
    assert len(mask(text)) == len(text)


def test_a_date_after_a_phone_stays() -> None:
    assert mask("电话：3322792，20261121反映过") == "电话：3****92，20261121反映过"


def test_every_number_of_a_long_text_is_hidden() -> None:
    text = "我是13800138000，车牌云A12345，身份证11010519491231002X，卡6222021234567890128。" * 50
    assert not re.search(r"\d{5}", mask(text))


def test_a_long_run_of_digits_costs_no_more_than_its_length() -> None:
    assert len(mask("1" * 200_000 + " 1380 " * 20_000)) == 320_000


signs = st.text(alphabet="0123456789０１９Xx+-–· ()（）.*aAfFDGWJ云京电话身份证卡号单转:：，\u200b", max_size=60)
numbers = st.sampled_from([text for text, _ in PERSONAL] + list(STAYS))
texts = st.lists(st.one_of(signs, numbers, st.text(max_size=10)), max_size=6).map("".join)


@given(texts)
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@given(texts)
def test_masking_only_turns_signs_into_stars(text: str) -> None:
    masked = mask(text)
    assert len(masked) == len(text)
    assert all(new == old or (new == "*" and old.isalnum()) for old, new in zip(text, masked, strict=True))


@given(st.text().filter(lambda text: not re.search(r"[0-9０-９]", text)))
def test_text_without_digits_is_never_touched(text: str) -> None:
    assert mask(text) == text


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["，", " ", "\n", "。", "请回电", "/"]))
def test_a_mobile_number_is_hidden_between_any_words(number: str, border: str) -> None:
    assert number not in mask(f"有事{border}{number}{border}谢谢")
