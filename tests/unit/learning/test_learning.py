"""What examples teach, and what may stand in the file that keeps it."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from shared.learning import counting
from shared.learning.features import features, is_word
from shared.learning.file import BadModel, read_model, write_model
from shared.learning.model import TextModel, as_floats, softmax
from shared.learning.training import Example, cross_validate, train
from shared.vocabulary import Refused
from tests.fakes.plain_learning import plainly_fitted

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
LAMPS = ("路灯不亮了", "路灯一闪一闪", "灯杆倒了", "晚上没有路灯", "路灯坏了三盏", "巷子里的路灯不亮")
WATER = ("家里停水了", "水压低", "停水一天", "自来水没有了", "水管没水", "又停水")
NOISE = ("工地太吵", "半夜施工噪音", "打桩声音大", "噪音扰民", "装修太吵了", "施工吵得睡不着")
EXAMPLES = [
    *(Example(text=text, category="lamp") for text in LAMPS),
    *(Example(text=text, category="water") for text in WATER),
    *(Example(text=text, category="noise") for text in NOISE),
]


@pytest.fixture(scope="module")
def model() -> TextModel:
    return train(EXAMPLES, county="990101", at=AT, scores=cross_validate(EXAMPLES))


def test_features_are_words_and_pairs_without_signs_and_numbers() -> None:
    found = features("路灯不亮，电话13812345678！A3区")
    assert "电话" in found
    assert "#路灯" in found
    assert not any(character.isdigit() or character in "，！" for feature in found for character in feature)
    assert [is_word(one) for one in ("路灯", "#路灯", "灯")] == [True, False, False]


def test_a_model_tells_apart_what_it_was_taught(model: TextModel) -> None:
    for text, category in (("村口路灯不亮", "lamp"), ("今天停水", "water"), ("楼下施工噪音", "noise")):
        best, second, third = model.likeliest(text)
        assert best.category == category
        assert best.share > second.share >= third.share
        assert best.share + second.share + third.share == pytest.approx(1, abs=1e-5)
        assert best.words


def test_the_words_told_are_those_that_speak_for_the_category(model: TextModel) -> None:
    assert "停水" in model.likeliest("今天停水")[0].words


def test_a_text_of_nothing_known_has_no_likeliest(model: TextModel) -> None:
    assert model.likeliest("zzz") == ()
    assert model.likeliest("") == ()


def test_a_model_scores_as_scikit_learn_does(model: TextModel) -> None:
    vectoriser, scorer = plainly_fitted(EXAMPLES)
    for text in ("村口路灯不亮不亮", "又停水又没电", "施工"):
        scores = as_floats(scorer.decision_function(vectoriser.transform([text])))
        shares = dict(zip(scorer.classes_, softmax(scores / np.float32(model.temperature))[0], strict=True))
        for one in model.likeliest(text):
            assert one.share == pytest.approx(shares[one.category], abs=1e-4)


@pytest.mark.parametrize(("many", "most"), ((3000, 60_000), (3000, 12), (4, 60_000), (4, 9)))
def test_part_of_what_was_counted_teaches_what_scikit_learn_makes_of_that_part_alone(
    monkeypatch: pytest.MonkeyPatch, many: int, most: int
) -> None:
    monkeypatch.setattr(counting, "MANY", many)
    monkeypatch.setattr(counting, "FEATURES", most)
    whole = [Example(text="狗咬人没有人管", category="dog of another"), *EXAMPLES]
    counted = counting.count([one.text for one in whole])
    rows = np.array([2, 3, 4, 5, 8, 9, 10, 14, 15, 16])
    learned = counted.learn(rows, np.array([whole[row].category for row in rows]))
    vectoriser, scorer = plainly_fitted([whole[row] for row in rows])
    assert counted.names[learned.columns].tolist() == vectoriser.get_feature_names_out().tolist()
    assert learned.categories.tolist() == scorer.classes_.tolist()
    others = np.array([0, 1, 6, 7])
    expected = scorer.decision_function(vectoriser.transform([whole[row].text for row in others]))
    assert learned.scores(counted, others) == pytest.approx(expected, abs=1e-12)


def test_texts_without_words_teach_nothing() -> None:
    with pytest.raises(Refused, match="no text holds words"):
        train([Example(text="123", category="a"), Example(text="！", category="b")], county="990101", at=AT)


def test_a_category_beside_the_examples_keeps_its_whole_name() -> None:
    """It begins like a category of theirs and is longer than all: what looks like it is judged to be it."""
    also = [Example(text=text, category="noise by night") for text in NOISE * 4]
    scores = cross_validate(EXAMPLES[6:], also=also)
    assert scores is not None
    assert set(scores.by_category) == {"water", "noise"}
    assert scores.by_category["noise"][0] < 0.5


def test_what_is_taken_for_a_category_that_is_not_scored_is_wrong_and_no_category_more() -> None:
    also = [Example(text=text, category="pipe") for text in WATER * 4]
    scores = cross_validate(EXAMPLES, also=also)
    assert scores is not None
    assert scores.macro_f1 == pytest.approx(sum(f1 for f1, _ in scores.by_category.values()) / 3)


def test_equal_texts_are_never_on_both_sides() -> None:
    """Texts that share nothing but with their own copies: who has not seen a copy can only guess."""
    odd = "鼎鼐鼒鼗鼙鼛鼜鼟鼢鼫鼬鼯鼱鼷鼹鼾齁齆齉齑齜齟齠齡"
    texts = [odd[at : at + 2] for at in range(0, len(odd), 2)]
    copies = [Example(text=text, category="ab"[n % 2]) for n, text in enumerate(texts) for _ in range(6)]
    scores = cross_validate(copies)
    assert scores is not None
    assert scores.accuracy <= 0.6


def test_too_few_of_a_category_teach_but_are_not_scored() -> None:
    few = [*EXAMPLES, Example(text="狗咬人", category="dog")]
    scores = cross_validate(few)
    assert scores is not None
    assert set(scores.by_category) == {"lamp", "water", "noise"}
    assert "dog" in train(few, county="990101", at=AT, scores=scores).categories


def test_what_stands_beside_the_examples_teaches_and_is_not_scored() -> None:
    also = [Example(text="狗犬遛狗", category="dog")]
    scores = cross_validate(EXAMPLES, also=also)
    assert scores is not None
    assert scores.examples == len(EXAMPLES)
    assert train(EXAMPLES, county="990101", at=AT, also=also).likeliest("遛狗")[0].category == "dog"


def test_two_categories_are_told_apart_too() -> None:
    two = train(EXAMPLES[:12], county="990101", at=AT)
    assert two.likeliest("路灯不亮")[0].category == "lamp"
    assert two.likeliest("停水")[0].category == "water"


def test_one_category_teaches_nothing() -> None:
    with pytest.raises(Refused, match="teach nothing"):
        train(EXAMPLES[:6], county="990101", at=AT)
    assert cross_validate(EXAMPLES[:6]) is None


def test_a_model_comes_back_from_its_file_as_it_went(model: TextModel, tmp_path: Path) -> None:
    path = write_model(model, tmp_path)
    assert path == tmp_path / "990101.skops"
    assert [one.name for one in tmp_path.iterdir()] == ["990101.skops"]
    back = read_model(path)
    assert back.likeliest("村口路灯不亮") == model.likeliest("村口路灯不亮")
    assert (back.examples, back.macro_f1, back.trained_at) == (model.examples, model.macro_f1, model.trained_at)


def test_a_file_with_anything_but_arrays_and_texts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "990101.skops"

    class Hook:
        def __reduce__(self) -> tuple[object, ...]:
            return (print, ("ran",))

    skops.io.dump({"format": 1, "county": Hook()}, path)
    with pytest.raises(BadModel, match="not trusted"):
        read_model(path)


def test_a_model_of_another_make_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "990101.skops"
    skops.io.dump(LogisticRegression(), path)
    with pytest.raises(BadModel, match="no format"):
        read_model(path)


@pytest.mark.parametrize("raw", (b"", b"not a zip", b"PK\x03\x04 cut off"))
def test_a_broken_file_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "990101.skops"
    path.write_bytes(raw)
    with pytest.raises(BadModel):
        read_model(path)


def test_a_file_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "990101.skops"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for n in range(65):
            packed.writestr(f"{n}.npy", b"0")
    with pytest.raises(BadModel, match="unpacks"):
        read_model(path)


@pytest.mark.parametrize(
    ("change", "says"),
    (
        ({"categories": ("a", "b")}, "do not fit"),
        ({"vocabulary": ("x",)}, "do not fit"),
        ({"temperature": 0.0}, "lacks a figure"),
        ({"idf": np.array([np.nan], dtype=np.float32)}, "finite"),
        ({"idf": np.array([1.0])}, "32 bits"),
    ),
)
def test_parts_that_do_not_fit_are_refused(model: TextModel, tmp_path: Path, change: dict[str, Any], says: str) -> None:
    path = write_model(replace(model, **change), tmp_path)
    with pytest.raises(BadModel, match=says):
        read_model(path)


def test_the_model_of_one_county_is_not_taken_for_anothers(model: TextModel, tmp_path: Path) -> None:
    path = write_model(model, tmp_path).rename(tmp_path / "990102.skops")
    with pytest.raises(BadModel, match="990101"):
        read_model(path)
