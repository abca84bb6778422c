"""Which reports of a batch are of one matter: with cases known already, and with one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from services.intake.domain.alike.sameness import (
    Account,
    Found,
    Kin,
    Profile,
    Verdict,
    absorbed,
    anchors_of,
    is_shut,
    is_sure,
    names_of,
    verdict_of,
    weigh,
)
from services.intake.domain.alike.wording import wording_of
from services.intake.domain.life.commands import OpenCase
from services.intake.handlers.doors import Doors
from services.intake.handlers.drafting import Draft
from services.intake.handlers.shelf import Shelf
from services.intake.ports import ProfileAsk, Transaction
from shared.playbook.model import Playbook, Policy
from shared.vocabulary import TOWN_DIGITS, Purpose, Refused, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A report that is compared with what is known, by the rules of its county."""

    kin: Kin
    account: Account
    policy: Policy
    draft: Draft
    joins: bool
    same_as: UUID | None = None


@dataclass(slots=True, kw_only=True)
class Sorting:
    """What a batch knows of matters: those found in the store, as its own reports have changed them, and its own."""

    found: dict[UUID, list[Profile]]
    """By report: what the store found for it."""
    _now: dict[int, Profile] = field(default_factory=dict)
    """By the number of their case's id: matters that this batch has opened or added to."""
    _shelves: defaultdict[Kin, Shelf] = field(default_factory=lambda: defaultdict(Shelf))
    _of_store: dict[UUID, list[Found]] = field(default_factory=dict)
    """By report: those of ``found`` that it may be of, as the store has them."""

    @property
    def changed(self) -> list[Profile]:
        """The matters that this batch has opened or added to, as they are now."""
        return list(self._now.values())

    def verdict(self, asking: Asking, *, joins: bool = True) -> Verdict:
        """What the report is, by all that is known at its turn; without ``joins`` only what it is like."""
        return verdict_of(self._weighed(asking), rules=asking.policy.merging, joins=joins and asking.joins)

    def sure_of_store(self, asking: Asking) -> set[UUID]:
        """The cases that the report may join, so that all are locked in one order before the first is changed."""
        rules = asking.policy.merging
        return {one.profile.case_id for one in self._stored(asking) if asking.joins and is_sure(one, rules=rules)}

    def profile(self, case_id: UUID, asking: Asking) -> Profile | None:
        """The case's matter as this batch knows it."""
        stored = (one for one in self.found.get(asking.draft.command.report_id, ()) if one.case_id == case_id)
        return self._now.get(case_id.int) or next(stored, None)

    def join(self, profile: Profile, asking: Asking) -> Profile:
        """The matter with the report, from now on known so."""
        after = absorbed(profile, asking.account, at=asking.draft.at)
        self._know(after, asking.account)
        return after

    def open(self, case_id: UUID, asking: Asking) -> None:
        """The report has become a case of its own."""
        profile = Profile(case_id=case_id, kin=asking.kin, accounts=(asking.account,), times=(asking.draft.at,))
        self._know(profile, asking.account)

    def _know(self, profile: Profile, account: Account) -> None:
        self._now[profile.case_id.int] = profile
        self._shelves[profile.kin].put(profile, _marks(account))

    def _weighed(self, asking: Asking) -> list[Found]:
        as_stored, now = self._stored(asking), self._now
        if not now:
            return as_stored
        changed = {one.case_id.int: one for one in self._shelves[asking.kin].like(_marks(asking.account))}
        for one in self.found.get(asking.draft.command.report_id, ()):
            if (case := one.case_id.int) in now:
                changed[case] = now[case]
        unchanged = [one for one in as_stored if one.profile.case_id.int not in now]
        return [*unchanged, *_weigh(asking, changed.values())] if changed else unchanged

    def _stored(self, asking: Asking) -> list[Found]:
        report_id = asking.draft.command.report_id
        if report_id not in self._of_store:
            profiles = {one.case_id.int: one for one in self.found.get(report_id, ())}
            self._of_store[report_id] = _weigh(asking, profiles.values())
        return self._of_store[report_id]


def _weigh(asking: Asking, profiles: Iterable[Profile]) -> list[Found]:
    hours, at = asking.policy.reopen_hours, asking.draft.at
    # Most were never closed: they are not asked how long ago.
    open_ones = [one for one in profiles if one.closed_at is None or not is_shut(one, reopen_hours=hours, at=at)]
    return weigh(asking.account, open_ones, rules=asking.policy.merging, at=at)


def _marks(account: Account) -> tuple[int, ...]:
    """By what a report finds those of its batch, places' names last: the last count most."""
    return (*anchors_of(account), *names_of(account))


def asking_of(draft: Draft, *, doors: Doors) -> Asking | None:
    """How the report is compared; None when it stands for itself.

    A canary does, a sensor's report, which is counted by its own name and whose words are a pattern, and every
    report of a county that has merging switched off. One that calls for an emergency service always becomes a
    case: it is never merged silently away. So does a secret one, and others never join that.
    """
    command = draft.command
    playbook = doors.playbooks.of(command.county)
    policy = playbook.policy
    by_itself = command.purpose is Purpose.CANARY or command.source is Source.SENSOR or draft.report.alone
    if by_itself or policy.merging.hours == 0:
        return None
    return Asking(
        kin=kin_of(command, playbook),
        account=account_of(command),
        policy=policy,
        draft=draft,
        joins=not command.handovers and not draft.report.secret,
        same_as=draft.report.same_as,
    )


def kin_of(command: OpenCase, playbook: Playbook) -> Kin:
    """Within what the report is compared: town, root of its category, purpose."""
    return Kin(town=command.area[:TOWN_DIGITS], family=family_of(command.category, playbook), purpose=command.purpose)


def family_of(category: str, playbook: Playbook) -> str:
    """The root of a category; the category itself when the playbook no longer knows it."""
    return next((one.code for one in reversed(playbook.category_line(category))), category)


def account_of(command: OpenCase) -> Account:
    """What the report tells of its matter."""
    return Account(wording=wording_of(command.title, command.text), area=command.area, place=command.place)


async def sorted_out(askings: Sequence[Asking], transaction: Transaction, *, hold: bool) -> Sorting:
    """What the store knows of matters like these; with ``hold`` nobody else files reports of their kin meanwhile."""
    found = await transaction.profiles.alike([_ask(one) for one in askings], hold=hold)
    by_report = {one.draft.command.report_id: list(profiles) for one, profiles in zip(askings, found, strict=True)}
    named = {one.same_as for one in askings if one.same_as is not None}
    for case_id, profile in (await transaction.profiles.find(named)).items():
        for one in askings:
            if one.same_as == case_id:
                by_report[one.draft.command.report_id].append(profile)
    return Sorting(found=by_report)


def must_be_plausible(asking: Asking, sorting: Sorting, allowed: Sequence[UUID]) -> Profile:
    """The matter that the reporter names as theirs, whatever the words say.

    Raises:
        Refused: it is of another town, family or purpose, or takes no reports; ``allowed`` lists what is like theirs.
    """
    named = asking.same_as
    profile = None if named is None else sorting.profile(named, asking)
    if profile is None or profile.kin != asking.kin:
        raise Refused(
            f"case {named} is none of this town and kind of matter",
            field="same_as",
            allowed=[*map(str, allowed), "leave it out"],
        )
    return profile


def _ask(asking: Asking) -> ProfileAsk:
    rules = asking.policy.merging
    return ProfileAsk(
        kin=asking.kin,
        account=asking.account,
        since=asking.draft.at - timedelta(hours=rules.hours),
        metres=rules.metres,
    )


def recategorised(profile: Profile, category: str, playbook: Playbook) -> Profile:
    """The matter under its new category, where reports are compared with it from now on."""
    return replace(profile, kin=replace(profile.kin, family=family_of(category, playbook)))
