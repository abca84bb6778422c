"""The page's files: no inline script, no foreign address, every word in both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from services.notifier.api.page import FOLDER, POLICY

FILES = sorted(FOLDER.iterdir())
HTML = (FOLDER / "index.html").read_text(encoding="utf-8")
WORDS = (FOLDER / "words.js").read_text(encoding="utf-8")


def words(language: str) -> dict[str, str]:
    block = re.search(rf"  {language}: (\{{.*?\n  \}})", WORDS, re.DOTALL)
    assert block is not None
    found: dict[str, str] = json.loads(block.group(1))
    return found


def test_no_script_or_style_stands_inside_the_page() -> None:
    assert not re.search(r"<script(?![^>]*\bsrc=)", HTML)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", HTML)
    assert "unsafe" not in POLICY


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_fetched_from_elsewhere_and_nothing_parses_html(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert "http://" not in text
    assert "https://" not in text
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text)


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".js"], ids=lambda path: path.name)
def test_scripts_stay_within_chromium_90(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"\.at\(|structuredClone|Object\.hasOwn|\.findLast|randomUUID|static \{|\.toSorted|\.replaceAll\(/", text
    )


def test_the_style_stays_within_chromium_90() -> None:
    text = (FOLDER / "desk.css").read_text(encoding="utf-8")
    assert not re.search(r":has\(|color-mix|@container|@layer|popover|subgrid|\bdvh\b", text)


def test_both_languages_have_the_same_words() -> None:
    chinese, english = words("zh"), words("en")
    assert set(chinese) == set(english)
    for key, text in chinese.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[key])), key


def test_every_word_that_the_page_asks_for_is_there() -> None:
    asked = set(re.findall(r'data-(?:t|label|placeholder)="([^"]+)"', HTML))
    for path in FILES:
        if path.suffix == ".js" and path.name != "words.js":
            asked |= set(re.findall(r"\bt\(\"([^\"]+)\"", path.read_text(encoding="utf-8")))
    assert asked <= set(words("zh"))


def contrast(one: str, other: str) -> float:
    """WCAG 2's ratio of two colours."""

    def light(colour: str) -> float:
        channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", (":root", '[data-theme="dark"]'))
def test_text_stands_out_from_what_is_behind_it(theme: str) -> None:
    css = (FOLDER / "desk.css").read_text(encoding="utf-8")
    root = dict(re.findall(r"--([a-z0-9-]+): (#[0-9A-Fa-f]{6})", css.split("}")[0]))
    block = css.split(f"{theme} {{", 1)[1].split("}", 1)[0]
    colours = {**root, **dict(re.findall(r"--([a-z0-9-]+): (#[0-9A-Fa-f]{6})", block))}
    for text in ("text", "muted", "accent", "g1-text", "g2-text", "g3-text", "g4-text"):
        for behind in ("bg", "panel", "raise", "select"):
            assert contrast(colours[text], colours[behind]) >= 4.5, (text, behind)
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    assert contrast(colours["g1-text"], colours["g1-soft"]) >= 4.5
    assert contrast(colours["g2-text"], colours["g2-soft"]) >= 4.5
