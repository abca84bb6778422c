"""The county's policy: ids stand once, no list says two things of one word, the thresholds are in order."""

from collections.abc import Iterator, Sequence

from shared.playbook.check.finding import Finding, Path, unknown
from shared.playbook.model import Playbook


def check_policy(playbook: Playbook) -> Iterator[Finding]:
    """Reasons, sources, services and neighbours stand once; to merge asks for more likeness than to offer."""
    policy = playbook.policy
    yield from _once("pause_reasons", "id", [one.id for one in policy.pause_reasons])
    yield from _once("emergencies", "service", [one.service.value for one in policy.emergencies])
    yield from _once("gradings", "severity", [one.severity.name for one in policy.gradings])
    yield from _once("neighbours", "county", [one.county for one in policy.neighbours])
    for n, source in enumerate(policy.reply_required):
        if source in policy.reply_required[:n]:
            yield _finding(("reply_required", n), f"{source.value!r} stands twice")
    for n, emergency in enumerate(policy.emergencies):
        for at, problem, near in unknown(emergency.categories, playbook.categories, what="category"):
            yield _finding(("emergencies", n, "categories", at), problem, *near, needs=("categories",))
    for n, neighbour in enumerate(policy.neighbours):
        if neighbour.county == playbook.county:
            problem = f"{playbook.county} is this county itself"
            yield _finding(("neighbours", n, "county"), problem, "the code of another county")
    if policy.merging.unsure > policy.merging.sure:
        problem = f"{policy.merging.unsure} is above sure, {policy.merging.sure}"
        yield _finding(("merging", "unsure"), problem, f"0 to {policy.merging.sure}")
    yield from _standard_codes(playbook)


def _once(part: str, field: str, values: Sequence[str]) -> Iterator[Finding]:
    for n, value in enumerate(values):
        if value in values[:n]:
            yield _finding((part, n, field), f"{value!r} stands twice")


def _standard_codes(playbook: Playbook) -> Iterator[Finding]:
    """A code of the national catalogue is one category's: a report that names it is about one thing."""
    first: dict[str, str] = {}
    for code, category in playbook.categories.items():
        for n, standard in enumerate(category.standard):
            owner = first.setdefault(standard, code)
            if owner != code or standard in category.standard[:n]:
                problem = f"{standard} is {owner} already"
                yield Finding(part="categories", item=code, path=("standard", n), problem=problem)


def _finding(path: Path, problem: str, *allowed: str, needs: tuple[str, ...] = ()) -> Finding:
    return Finding(part="playbook", path=("policy", *path), problem=problem, allowed=allowed, needs=needs)
