"""An officer makes two cases one, or one case two: both are changed by one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from services.intake.domain.alike.sameness import Profile, absorbed, is_mass
from services.intake.domain.asking.actions import open_to_bearer
from services.intake.domain.asking.requests import ActionRequest
from services.intake.domain.life.case import Case
from services.intake.domain.life.evolve import evolve
from services.intake.domain.life.permissions import Bearer, must_act
from services.intake.domain.life.states import Action, WrongState
from services.intake.domain.moves.decide import decide
from services.intake.domain.moves.merging import JoinReport, MergeCase, SplitReport, join, merge, split
from services.intake.domain.reports.report import Report, placed
from services.intake.handlers.deeds import Deed
from services.intake.handlers.doors import Doors, KeyReused, Reply, UnknownCase, change_of, replay
from services.intake.handlers.drafting import prepare
from services.intake.handlers.filing import EARLIER
from services.intake.handlers.sorting import account_of, asking_of, kin_of, recategorised
from services.intake.ports import Answer, Change, KeptReport, Spot, Transaction
from shared.events.case import CaseEvent
from shared.events.envelope import derive_id
from shared.playbook.model import Merging, Playbook
from shared.vocabulary import CaseState, Refused

OF_TWO: Final = frozenset({Action.MERGE, Action.SPLIT})
MOST_MERGED: Final = 200
"""Reports of a case that is merged: each is an event of its master."""
LONGEST_CHAIN: Final = 16
SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Who makes one case two or two one, when, and by whose rules."""

    bearer: Bearer
    playbook: Playbook
    now: datetime
    doors: Doors


async def act_on_two(deed: Deed, *, doors: Doors) -> Reply:
    """Merge the case into another or split a report off it, and answer once both are durable.

    Never together with what others ask at that moment: the other case may be among theirs.

    Raises:
        UnknownCase: there is no such case.
        NotYours: the bearer may not do this to one of the two.
        WrongState: one of them is not in a state for it; says what is open.
        KeyReused: the client key belongs to another request.
        Refused: a field is missing or names what cannot be; says what is allowed.
    """
    request, key = deed.request, deed.key
    async with doors.store.transaction() as transaction:
        # Both at once, for in one order: two officers who merge two cases into one another must not wait in a ring.
        cases = await transaction.load({deed.case_id, request.into or deed.case_id})
        case = cases.get(deed.case_id)
        if case is None:
            raise UnknownCase(f"there is no case {deed.case_id}", field="path:case_id")
        known = None if key is None else (await transaction.answers([key])).get(key)
        if known is not None:
            return replay(known, deed.asked, doors.vault)
        meeting = Meeting(
            bearer=deed.bearer, playbook=doors.playbooks.of(case.view.county), now=doors.clock(), doors=doors
        )
        changes = await _of_two(case, request, transaction, meeting)
        body = _answer(*changes, allowed=await _open(changes[0].case, transaction, meeting))
        if key is not None:
            answer = Answer(fingerprint=doors.vault.fingerprint(deed.asked), body=body)
            if not await transaction.claim({key: answer}):
                raise KeyReused("this key is being used elsewhere", field="Idempotency-Key", allowed=["a new key"])
        await transaction.save(changes)
    return Reply(body=body)


async def _of_two(
    case: Case, request: ActionRequest, transaction: Transaction, meeting: Meeting
) -> tuple[Change, Change]:
    """What becomes of the case, and of the other one."""
    must_act(meeting.bearer, request.action, case, None)
    try:
        if request.action is Action.MERGE:
            return await _merged(case, request, transaction, meeting)
        return await _split(case, request, transaction, meeting)
    except WrongState as refusal:
        refusal.allowed = await _open(case, transaction, meeting)
        raise


async def _open(case: Case, transaction: Transaction, meeting: Meeting) -> tuple[Action, ...]:
    """What the bearer may do next on the case."""
    lead = case.lead
    due_at = None if lead is None else await transaction.deadlines.of(case.view.case_id, lead.order_id)
    policy = meeting.playbook.policy
    return open_to_bearer(case, None, meeting.bearer, policy=policy, now=meeting.now, due_at=due_at)


def _answer(acted: Change, other: Change, *, allowed: Sequence[Action]) -> str:
    view = acted.case.view
    body = {
        "case_id": view.case_id,
        "version": view.version,
        "state": view.state,
        "event_id": acted.events[-1].id,
        "order_id": None,
        "other_case_id": other.case.view.case_id,
        "allowed": allowed,
    }
    return msgspec.json.encode(body).decode()


async def follow(before: Case, after: Case, transaction: Transaction, *, playbook: Playbook) -> None:
    """Let reports be compared with the case under its new category, when that has changed."""
    case_id, category = after.view.case_id, after.view.category
    if before.view.category == category:
        return
    profile = (await transaction.profiles.find([case_id])).get(case_id)
    if profile is not None:
        await transaction.profiles.keep([recategorised(profile, category, playbook)])


async def _merged(
    case: Case, request: ActionRequest, transaction: Transaction, meeting: Meeting
) -> tuple[Change, Change]:
    master = await _master(request.into, transaction)
    must_act(meeting.bearer, Action.MERGE, master, None)
    command = MergeCase(by=meeting.bearer.actor, reason=request.why)
    ended = merge(case, master, command, meeting.now)
    reports = await transaction.profiles.reports_of(case.view.case_id, MOST_MERGED + 1)
    if len(reports) > MOST_MERGED:
        raise Refused(
            f"the case stands for more than {MOST_MERGED} reports",
            field="into",
            allowed=["the other way round: merge the smaller case into this one"],
        )
    profile = await _united(case, master, transaction, meeting.now)
    rules = meeting.playbook.policy.merging
    events = _taken(master, case, reports, _Taking(command=command, profile=profile, rules=rules), meeting.now)
    await transaction.profiles.move([one.report_id for one in reports], to=master.view.case_id)
    return change_of(case, ended, at=meeting.now), change_of(master, events, at=meeting.now)


async def _master(into: UUID | None, transaction: Transaction) -> Case:
    """The case meant, or the one that it goes on in: a merged case is followed to where it went."""
    if into is None:
        raise Refused("say into which case", field="into", allowed=["the id of another case of the same matter"])
    found = (await transaction.load([into])).get(into)
    for _ in range(LONGEST_CHAIN):
        if found is None or found.view.state is not CaseState.MERGED or found.view.master is None:
            break
        found = (await transaction.load([found.view.master])).get(found.view.master)
    if found is None:
        raise Refused(f"there is no case {into}", field="into", allowed=["the id of another case of the same matter"])
    return found


async def _united(case: Case, master: Case, transaction: Transaction, now: datetime) -> Profile | None:
    """The master's matter with what was known of the case's, kept; nothing is compared with the case any more."""
    child_id, master_id = case.view.case_id, master.view.case_id
    known = await transaction.profiles.find([child_id, master_id])
    await transaction.profiles.forget([child_id])
    child, profile = known.get(child_id), known.get(master_id)
    if child is None or profile is None:
        return profile
    for account in child.accounts:
        profile = absorbed(profile, account, at=now)
    profile = replace(profile, times=tuple(sorted((*known[master_id].times, *child.times))))
    await transaction.profiles.keep([profile])
    return profile


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taking:
    command: MergeCase
    profile: Profile | None
    rules: Merging


def _taken(
    master: Case, case: Case, reports: Sequence[KeptReport], taking: _Taking, now: datetime
) -> tuple[CaseEvent, ...]:
    """The master's events: one for each report of the case, and that it is a mass matter now, if so."""
    events: list[CaseEvent] = []
    mass = taking.profile is not None and is_mass(taking.profile, rules=taking.rules)
    for report in reports:
        one_more = JoinReport(
            report_id=report.report_id,
            by=taking.command.by,
            source=report.source,
            text=report.text,
            why=taking.command.reason,
            severity=case.view.severity,
            tracking=report.tracking,
            from_case=case.view.case_id,
            photos=report.photos,
        )
        more = join(master, one_more, rules=taking.rules, mass=mass and report is reports[-1])
        for event in more:
            master = evolve(master, event, at=now)
        events += more
    return tuple(events)


async def _split(
    case: Case, request: ActionRequest, transaction: Transaction, meeting: Meeting
) -> tuple[Change, Change]:
    report = await _report(case, request.report_id, transaction)
    case_id = case.view.case_id
    to_case = derive_id(report.report_id, "split", f"{case_id} v{case.view.version}")
    command = SplitReport(
        by=meeting.bearer.actor,
        report_id=report.report_id,
        to_case=to_case,
        reason=request.why,
        tracking=report.tracking,
    )
    shrunk = change_of(case, (split(case, command),), at=meeting.now)
    opened = await _apart(case, report, to_case, transaction, meeting)
    await transaction.profiles.move([report.report_id], to=to_case)
    return shrunk, opened


async def _report(case: Case, report_id: UUID | None, transaction: Transaction) -> KeptReport:
    """The report meant: one of the case's, but not the one that opened it, whose words are the case's own."""
    case_id = case.view.case_id
    report = None if report_id is None else await transaction.profiles.report(report_id)
    some = await transaction.profiles.reports_of(case_id, SHOWN + 1)
    opened_by = some[0].report_id if some else None
    if report is not None and report.case_id == case_id and report_id != opened_by:
        return report
    why = "that report opened the case" if report_id is not None and report_id == opened_by else "say which report"
    allowed = [str(one.report_id) for one in some[1:]]
    raise Refused(why, field="report_id", allowed=allowed or ["a case of more reports"])


async def _apart(case: Case, report: KeptReport, to_case: UUID, transaction: Transaction, meeting: Meeting) -> Change:
    """The case that the report opens, by its own words and place; in the area of its old case where it named none."""
    view, now, doors = case.view, meeting.now, meeting.doors
    told = Report(
        source=report.source,
        text=report.text,
        area=report.area or view.area,
        place=report.place,
        category=report.category if report.category in meeting.playbook.categories else view.category,
        purpose=view.purpose,
        secret=view.secret,
        photos=report.photos,
    )
    draft = prepare(told, report_id=report.report_id, by=meeting.bearer.actor, at=view.county, doors=doors)
    command = replace(
        draft.command,
        case_id=to_case,
        state=CaseState.OPENED,
        tracking=report.tracking,
        category_why=f"由案件 {view.case_id} 拆出 / split off that case; {draft.command.category_why}",
    )
    spot = Spot(area=command.area, category=command.category, purpose=command.purpose)
    (around,) = await transaction.around([spot], since=now - EARLIER)
    command = placed(command, modes=around.modes, earlier=around.earlier)
    opened = change_of(None, decide(None, command, now), at=now)
    if asking_of(draft, doors=doors) is not None and not view.secret:
        profile = Profile(
            case_id=to_case,
            kin=kin_of(command, meeting.playbook),
            accounts=(account_of(command),),
            times=(now,),
        )
        await transaction.profiles.keep([profile])
        await _forget_words(case, profile, transaction)
    return opened


async def _forget_words(case: Case, profile: Profile, transaction: Transaction) -> None:
    """What only the split report told is no account of its old case any more."""
    case_id = case.view.case_id
    old = (await transaction.profiles.find([case_id])).get(case_id)
    if old is None:
        return
    words = {account.wording for account in profile.accounts}
    kept = tuple(account for account in old.accounts[1:] if account.wording not in words)
    await transaction.profiles.keep([replace(old, accounts=(old.accounts[0], *kept))])
