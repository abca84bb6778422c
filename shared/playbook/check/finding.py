"""One thing wrong between the parts of a playbook."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from shared.playbook.near import meant, nearest

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong at `path` of one item of one part.

    `item` is the code or id in a mapping, the index in a list; `other` the second item of the part that is meant, if
    any. `needs` names the other parts that
    the finding looked at: where one of those could not be read, the finding would be a false one.
    """

    part: str
    item: str | int = ""
    path: Path = ()
    problem: str
    allowed: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    other: str | int | None = None

    def __str__(self) -> str:
        """`rules[gas-leak].lead.department: no department x`."""
        path = "".join(f".{step}" for step in self.path)
        return f"{self.part}[{self.item}]{path}: {self.problem}"


def unknown(
    values: Collection[str], known: Collection[str], *, what: str
) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield place, words and near allowed values of each of `values` that is not `known`."""
    for index, value in enumerate(values):
        if value not in known:
            yield index, f"no {what} {value!r}{meant(value, known)}", nearest(value, known)
