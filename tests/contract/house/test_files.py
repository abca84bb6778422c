"""House rules about files: sizes, names, what must never be in them, and that what documents name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.house.files import CODE, ROOT, SERVICES, all_files, modules, relative, source

MOST_LINES = 400
MOST_LINES_OF_MAIN = 20
VAGUE = {"utils", "util", "common", "helpers", "helper", "core", "base", "manager", "misc"}
ROOMS = ("__main__.py", "app.py", "settings.py", "metrics.py", "ports.py", "handlers", "domain", "README.md")
# This file is the one that may hold them.
FORBIDDEN = {
    "a package registry's host": r"pypi\.org|pythonhosted|repo1?\.maven|registry\.npmjs|proxy\.golang|static\.crates",
    "a path of somebody's machine": r"(?<![\w.~$}])/(?:work|home|root|Users)/[a-z]",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "a banner": r"^\s*#\s*[=\-#*]{4,}",
    "a note to come back": r"\b(?:TODO|FIXME|XXX)\b",
}
MOCKS = re.compile(r"\b(?:from|import) (?:unittest\.)?mock\b|\bMagicMock\b")
# Links and images alike: an image is a link behind an exclamation mark, or an element of HTML.
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)|<img\b[^>]*\bsrc=[\"'](?P<source>[^\"']+)")
DECISION = re.compile(r"\bdecisions?[ /](?P<name>[0-9]{4}[\w-]*)")
PATH_IN_PROSE = re.compile(rf"`(?P<path>(?:{'|'.join(CODE)}|docs|\.ci|requirements)/[\w./*{{}},<>-]+)`")
HEADING = re.compile(r"^#+ +(?P<text>.+?) *$", re.MULTILINE)


def documents() -> list[Path]:
    """Every Markdown file."""
    return [path for path in all_files() if path.suffix == ".md"]


def test_every_module_is_short_enough_to_read() -> None:
    long = {relative(path): source(path).count("\n") for path in modules() if source(path).count("\n") > MOST_LINES}
    assert not long, long


def test_no_module_has_a_vague_name() -> None:
    vague = [relative(p) for p in modules() if VAGUE & {part.removesuffix(".py") for part in p.relative_to(ROOT).parts}]
    assert not vague, "\n".join(vague)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    found = [
        f"{relative(path)}: {match.group(0).strip()}"
        for path in all_files()
        if path != Path(__file__) and (what != "a banner" or path.suffix == ".py")
        for match in pattern.finditer(source(path))
    ]
    assert not found, "\n".join(found)


def test_no_test_uses_a_mock() -> None:
    assert [relative(p) for p in modules("tests") if p != Path(__file__) and MOCKS.search(source(p))] == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_rooms(service: str) -> None:
    folder = ROOT / "services" / service
    missing = [room for room in ROOMS if not (folder / room).exists() and not (folder / f"{room}.py").exists()]
    assert not missing, "\n".join(missing)
    assert source(folder / "__main__.py").count("\n") <= MOST_LINES_OF_MAIN


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_readme_says_what_it_promises_and_how_it_fails(service: str) -> None:
    text = source(ROOT / "services" / service / "README.md").lower()
    assert [word for word in ("topic", "state", "promise", "fail") if word not in text] == []


def broken_links(document: Path) -> Iterator[str]:
    """Yield each link and image of ``document`` to a file or heading of the project that is not there."""
    for match in LINK.finditer(_without_code(source(document))):
        address = match["target"] or match["source"]
        target, _, heading = address.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        goal = (document.parent / target).resolve() if target else document
        if not goal.exists():
            yield address
        elif heading and goal.suffix == ".md" and heading not in _anchors(goal):
            yield f"{address} (no such heading)"


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def _anchors(document: Path) -> set[str]:
    """Return the anchors that a forge makes of the headings."""
    plain = (re.sub(r"[^\w\- ]", "", match["text"].lower()) for match in HEADING.finditer(source(document)))
    return {text.replace(" ", "-") for text in plain}


def test_links_and_images_in_documents_resolve() -> None:
    broken = [f"{relative(document)} → {link}" for document in documents() for link in broken_links(document)]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("target", ("missing.png", "images/missing.png#top"))
@pytest.mark.parametrize(
    "form", ("[a link]({})", "![an image]({})", '<img alt="an image" src="{}">', "[![both]({})](.)")
)
def test_a_link_or_an_image_that_is_not_there_is_found(tmp_path: Path, form: str, target: str) -> None:
    document = tmp_path / "page.md"
    document.write_text(form.format(target))
    assert list(broken_links(document)) == [target]


def test_decisions_that_code_names_are_there() -> None:
    missing = [
        f"{relative(path)} → {match.group(0)}"
        for path in all_files()
        if path.suffix in {".py", ".sql"} and path != Path(__file__)
        for match in DECISION.finditer(source(path))
        if not any((ROOT / "docs/decisions").glob(f"{match['name']}*.md"))
    ]
    assert not missing, "\n".join(missing)


def test_every_decision_stands_in_the_index_by_its_title() -> None:
    folder = ROOT / "docs/decisions"
    index = source(folder / "README.md")
    for record in sorted(folder.glob("0*.md")):
        number, _, title = source(record).partition("\n")[0].removeprefix("# ").partition(" ")
        assert f"- [{number}]({record.name}) {title}\n" in index, record.name


def test_paths_that_documents_name_are_there() -> None:
    missing = [
        f"{relative(document)} → {match['path']}"
        for document in documents()
        if document.name != "CHANGELOG.md"
        for match in PATH_IN_PROSE.finditer(source(document))
        if not any(mark in match["path"] for mark in "*<{") and not _exists(match["path"], document)
    ]
    assert not missing, "\n".join(missing)


def _exists(path: str, document: Path) -> bool:
    """Say whether ``path`` is there, seen from the root or from the document; a decision may be named by its number."""
    if any((place / path).exists() for place in (ROOT, document.parent)):
        return True
    return any((ROOT / path).parent.glob(f"{Path(path).name}*"))
