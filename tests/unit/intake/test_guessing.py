"""Words and model, one rule over both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.reading.guessing import NO_OPINION, Opinion, weigh

DEPTH = {"01": 1, "01.001": 2, "02": 1}
SHARES = st.dictionaries(st.sampled_from([*DEPTH, "gone"]), st.floats(0, 1), max_size=4)
WORDS = st.dictionaries(st.sampled_from(list(DEPTH)), st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=3))


def test_words_alone_leave_a_little_doubt() -> None:
    (fit,) = weigh({"01": ["井盖"]}, NO_OPINION, depth=DEPTH)
    assert (fit.code, fit.share, fit.words) == ("01", 0.5, ("井盖",))


def test_longer_words_weigh_more() -> None:
    first, second = weigh({"01": ["井盖"], "02": ["路灯不亮"]}, NO_OPINION, depth=DEPTH)
    assert (first.code, second.code) == ("02", "01")
    assert first.share == pytest.approx(4 / 8)
    assert second.share == pytest.approx(2 / 8)


def test_the_model_alone_has_its_own_share() -> None:
    (fit,) = weigh({}, Opinion(shares={"02": 0.7}, words={"02": ("灯",)}), depth=DEPTH)
    assert (fit.code, fit.share, fit.words) == ("02", 0.7, ("灯",))


def test_both_together_have_their_mean_and_each_others_words_once() -> None:
    opinion = Opinion(shares={"02": 0.9, "01": 0.1}, words={"02": ("灯", "路灯")})
    first, second = weigh({"02": ["路灯"]}, opinion, depth=DEPTH)
    assert first.share == pytest.approx((0.5 + 0.9) / 2)
    assert first.words == ("路灯", "灯")
    assert second.share == pytest.approx(0.05)


def test_of_two_alike_the_more_special_one_counts_then_the_smaller_code() -> None:
    fits = weigh({"01": ["ab"], "01.001": ["cd"], "02": ["ef"]}, NO_OPINION, depth=DEPTH)
    assert [fit.code for fit in fits] == ["01.001", "01", "02"]


def test_a_category_that_the_playbook_no_longer_has_is_left_out() -> None:
    assert weigh({}, Opinion(shares={"gone": 0.9}), depth=DEPTH) == ()


@given(WORDS, SHARES)
def test_shares_stay_between_nothing_and_all_and_fall(found: dict[str, list[str]], shares: dict[str, float]) -> None:
    fits = weigh(found, Opinion(shares=shares), depth=DEPTH)
    assert all(0 <= fit.share <= 1 for fit in fits)
    assert [round(fit.share, 6) for fit in fits] == sorted((round(fit.share, 6) for fit in fits), reverse=True)
