"""`cases.yaml` of a playbook's folder: cases that its rules must decide as it says; they never leave the folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.playbook.files.cases import CasesFile, WorkedCaseNode
from shared.playbook.located import Located
from shared.playbook.model import Playbook
from shared.playbook.near import nearest
from shared.playbook.nodes import read_yaml
from shared.playbook.problems import BadPlaybook, Problem
from shared.playbook.reading import read
from shared.vocabulary import NORMAL

FILE: Final = "cases.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedCase:
    """One case with what must come of it, and where it stands."""

    node: WorkedCaseNode
    place: Located


def read_cases(folder: Path, playbook: Playbook) -> tuple[WorkedCase, ...]:
    """Return the cases beside the rules of `playbook`; none when there is no such file.

    Raises:
        BadPlaybook: anything wrong with them, all of it at once.
    """
    path = folder / FILE
    if not path.exists():
        return ()
    document = read_yaml(path)
    items = document.value.get("cases") if isinstance(document.value, dict) else None
    if not isinstance(items, list) or set(document.value) != {"cases"}:
        wrong = read(CasesFile, document)
        raise BadPlaybook(wrong if isinstance(wrong, list) else [document.problem((), "no list of cases", ["cases"])])
    problems: list[Problem] = []
    cases: list[WorkedCase] = []
    for index, item in enumerate(items):
        place = document.part(("cases", index), item)
        node = read(WorkedCaseNode, place)
        if isinstance(node, list):
            problems += node
            continue
        problems += _unknown(node, place, playbook)
        cases.append(WorkedCase(node=node, place=place))
    if problems:
        raise BadPlaybook(problems)
    return tuple(cases)


def _unknown(node: WorkedCaseNode, place: Located, playbook: Playbook) -> Iterator[Problem]:
    """Yield every name that the playbook does not have: a slip there would pass for an expectation met."""
    case, expect = node.case, node.expect
    if not playbook.area_line(case.area):
        yield place.problem(("case", "area"), f"no area {case.area!r}", nearest(case.area, playbook.areas))
    if case.category not in playbook.categories:
        near = nearest(case.category, playbook.categories)
        yield place.problem(("case", "category"), f"no category {case.category!r}", near)
    modes = {NORMAL, *playbook.modes}
    rules = {rule.id for rule in playbook.rules}
    named = (
        (("case", "mode"), case.mode, modes, "mode"),
        (("expect", "mode"), expect.mode, modes, "mode"),
        (("expect", "rule"), expect.rule, rules, "rule"),
        (("expect", "matter"), expect.matter, set(playbook.matters), "matter"),
    )
    for path, value, known, what in named:
        if value is not None and value not in known:
            yield place.problem(path, f"no {what} {value!r}", nearest(value, known))
    people = {*playbook.departments, *playbook.areas}
    for role, whos in (
        ("lead", (expect.lead,) if expect.lead else ()),
        ("assist", expect.assist or ()),
        ("oversee", expect.oversee or ()),
    ):
        yield from _nobody(("expect", role), whos, people, place=place)
    yield from _nobody(("case", "returned_by"), case.returned_by, people, place=place)


def _nobody(path: tuple[str, str], whos: Sequence[str], people: set[str], *, place: Located) -> Iterator[Problem]:
    for who in whos:
        if who not in people:
            yield place.problem(path, f"no department or desk {who!r}", nearest(who, people))
