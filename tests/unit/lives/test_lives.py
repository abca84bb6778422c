"""Whole lives of cases in random counties: whatever people, clocks and modes do, the promises hold."""

import os
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.intake.domain.life.commands import (
    ArriveOnSite,
    BlowWhistle,
    ChangeMode,
    CloseCase,
    Command,
    ConfirmWhistle,
    DeclineWhistle,
    OpenCase,
    ReleaseOrder,
    ReopenCase,
    ReportProgress,
    ResolveOrder,
    ReturnOrder,
    RuleCase,
    SignOrder,
    TransferOrder,
    VerifyCase,
)
from services.intake.domain.life.filing_commands import FileCase, Naming, RecategoriseCase, RefuseCase
from services.intake.domain.life.review_commands import ReplySupervision, SignOffSupervision, SuperviseCase
from services.intake.domain.life.states import HELD
from services.intake.domain.life.time_commands import (
    ApproveExtension,
    AskExtension,
    DeclineExtension,
    HangCase,
    PauseCase,
    ResumeCase,
)
from services.router.domain.rulebook import Rulebook
from services.router.domain.standing import at_work
from shared.events.case import CaseModeChanged, CaseStepDone
from shared.events.order import Order, OrderIssued, OrderWithdrawn
from shared.events.parts import Standing, Target
from shared.vocabulary import (
    CASE_ENDED,
    NORMAL,
    CaseState,
    Level,
    OrderReason,
    OrderRole,
    OrderState,
    RefusalCode,
    Severity,
    Source,
    WhenLate,
    WhistleKind,
    level_of,
)
from tests.fakes.router import SYSTEM, department, desk
from tests.fakes.small_county import COUNTY, EAST, WEST
from tests.unit.intake.cases import opening
from tests.unit.lives.county import CASE_CATEGORIES, DEPARTMENTS, MODES, TAGS, VILLAGES, county
from tests.unit.lives.hands import DONE, a_desk, finish, holder, leads
from tests.unit.lives.world import Decided, World

WINDOW = timedelta(hours=72)
NTH = st.integers(0, 7)
TARGETS = st.one_of(
    st.sampled_from(DEPARTMENTS).map(department),
    st.sampled_from((*VILLAGES, WEST, EAST, COUNTY)).map(desk),
    st.just(department("nobody")),
)


class Life(RuleBasedStateMachine):
    """Draws a county, opens a case and lets everything happen to it in any order."""

    world: World
    checked: int = 0
    """Decisions looked at so far."""
    prompt: bool
    """Whether everything arrives before the next thing happens."""

    @initialize(
        seed=st.integers(0, 2**32),
        prompt=st.booleans(),
        area=st.sampled_from((*VILLAGES, WEST, COUNTY)),
        category=st.sampled_from(CASE_CATEGORIES),
        severity=st.sampled_from(Severity),
        tags=st.lists(st.sampled_from(TAGS), unique=True).map(tuple),
        mode=st.sampled_from((NORMAL, *MODES)),
        state=st.sampled_from((CaseState.OPENED, CaseState.OPENED, CaseState.RECEIVED)),
    )
    def open(self, seed: int, *, prompt: bool, **case: Any) -> None:
        self.world = World(book=Rulebook(county(seed)))
        self.prompt = prompt
        command = opening(
            **case,
            level=level_of(case["area"]),
            source=Source.HOTLINE,
            text="有人说漏气",
            playbook=self.world.book.ref,
        )
        assert isinstance(command, OpenCase)
        assert self._do(command)

    @rule()
    def the_router_reads(self) -> None:
        self.world.route()

    @rule(level=st.sampled_from(Level))
    def intake_reads(self, level: Level) -> None:
        self.world.deliver(level)

    @rule()
    def all_arrives(self) -> None:
        self.world.settle()

    @rule(nth=NTH)
    def somebody_signs(self, nth: int) -> None:
        self._with_order(nth, lambda order: SignOrder(order_id=order.order_id, by=holder(order)))

    @rule(nth=NTH)
    def somebody_arrives(self, nth: int) -> None:
        self._with_order(nth, lambda order: ArriveOnSite(order_id=order.order_id, by=holder(order)))

    @rule(nth=NTH)
    def somebody_reports(self, nth: int) -> None:
        self._with_order(nth, lambda order: ReportProgress(order_id=order.order_id, by=holder(order)))

    @rule(nth=NTH)
    def somebody_is_done(self, nth: int) -> None:
        self._with_order(nth, lambda order: ResolveOrder(order_id=order.order_id, by=holder(order), note="已办"))

    @rule(nth=NTH)
    def somebody_gives_back(self, nth: int) -> None:
        allowed = self.world.book.playbook.policy.returns_allowed
        self._with_order(
            nth,
            lambda order: ReturnOrder(
                order_id=order.order_id, by=holder(order), reason="不归我管", returns_allowed=allowed
            ),
        )

    @rule(nth=NTH)
    def a_desk_releases(self, nth: int) -> None:
        self._with_order(nth, lambda order: ReleaseOrder(order_id=order.order_id, by=a_desk(COUNTY), reason="不再需要"))

    @rule(nth=NTH, to=TARGETS)
    def a_desk_hands_on(self, nth: int, to: Target) -> None:
        self._with_order(
            nth, lambda order: TransferOrder(order_id=order.order_id, by=a_desk(WEST), to=to, reason="归他管")
        )

    @rule(to=TARGETS)
    def the_level_above_rules(self, to: Target) -> None:
        self._do(RuleCase(by=a_desk(COUNTY), to=to, reason="就是他的"))

    @rule(
        called=st.lists(st.sampled_from((*DEPARTMENTS, "nobody")), min_size=1, max_size=4, unique=True),
        kind=st.sampled_from(WhistleKind),
        named=st.booleans(),
        adds=st.booleans(),
    )
    def a_desk_whistles(self, called: list[str], kind: WhistleKind, *, named: bool, adds: bool) -> None:
        sounded = self.world.life.sounded
        whistle = sounded[-1].whistle if adds and sounded else None
        self._do(
            BlowWhistle(
                by=a_desk(VILLAGES[0]),
                departments=tuple(called),
                reason="一家管不了",
                kind=kind if whistle is None else None,
                lead=called[0] if named else None,
                whistle_id=whistle.whistle_id if whistle is not None else None,
            )
        )

    @rule(yes=st.booleans())
    def its_head_says(self, *, yes: bool) -> None:
        asked = self.world.life.asked
        if asked is not None:
            whistle_id = asked.whistle.whistle_id
            head = a_desk(VILLAGES[0])
            self._do(
                ConfirmWhistle(by=head, whistle_id=whistle_id)
                if yes
                else DeclineWhistle(by=head, whistle_id=whistle_id, reason="不必")
            )

    @rule(category=st.sampled_from((None, *CASE_CATEGORIES)))
    def a_desk_files_it(self, category: str | None) -> None:
        self._do(FileCase(by=a_desk(WEST), naming=Naming(category=category)))

    @rule(category=st.sampled_from(CASE_CATEGORIES))
    def a_desk_names_it_anew(self, category: str) -> None:
        self._do(RecategoriseCase(by=a_desk(WEST), naming=Naming(category=category), reason="看错了"))

    @rule(sure=st.integers(0, 7))
    def a_desk_refuses_it(self, sure: int) -> None:
        if sure == 0:
            command = RefuseCase(by=a_desk(WEST), code=RefusalCode.NOT_OURS, reason="外县", words="请向邻县反映")
            self._do(command)

    @rule(hung=st.booleans(), days=st.integers(1, 3))
    def it_stands_still(self, *, hung: bool, days: int) -> None:
        until = self.world.now + timedelta(days=days)
        if hung:
            self._do(HangCase(by=a_desk(COUNTY), until=until, reason="等规划", days=365))
        else:
            self._do(PauseCase(by=a_desk(WEST), code="material", reason="等配件", until=until))

    @rule(at_its_date=st.booleans())
    def it_goes_on(self, *, at_its_date: bool) -> None:
        self._do(ResumeCase(by=a_desk(COUNTY), when_due=at_its_date))

    @rule(nth=NTH, granted=st.booleans())
    def somebody_asks_for_more_time(self, nth: int, *, granted: bool) -> None:
        due_at = self.world.now + timedelta(days=1)
        self._with_order(
            nth,
            lambda order: AskExtension(
                order_id=order.order_id,
                by=holder(order),
                due_at=due_at,
                to=due_at + timedelta(days=2),
                reason="等配件",
                most=2,
            ),
        )
        self._do(ApproveExtension(by=a_desk(WEST)))
        self._do(ApproveExtension(by=a_desk(COUNTY)) if granted else DeclineExtension(by=a_desk(COUNTY), reason="够"))

    @rule()
    def the_county_instructs_and_is_answered(self) -> None:
        due_at = self.world.now + timedelta(days=1)
        self._do(SuperviseCase(by=a_desk(COUNTY), instruction="今日办结", reply_due_at=due_at, target=desk(WEST)))
        self._do(ReplySupervision(by=a_desk(WEST), reply="已办"))
        self._do(SignOffSupervision(by=a_desk(COUNTY)))

    @rule(mode=st.sampled_from((NORMAL, *MODES)))
    def the_mode_changes(self, mode: str) -> None:
        self._do(ChangeMode(mode=mode, by=SYSTEM, reason="汛情"))

    @rule(nth=NTH, when_late=st.sampled_from((WhenLate.OVERSEE, WhenLate.TAKE_OVER)))
    def somebody_is_late(self, nth: int, when_late: WhenLate) -> None:
        standing = self.world.life.standing
        if standing:
            self.world.be_late(standing[nth % len(standing)], when_late)
            if self.prompt:
                self.world.settle()

    @rule()
    def it_is_opened_again(self) -> None:
        finish(self.world)
        for command in (VerifyCase(by=SYSTEM), CloseCase(by=SYSTEM)):
            self._do(command)
        self._do(ReopenCase(by=SYSTEM, reason="没有解决", window=WINDOW))

    @invariant()
    def at_most_one_leads(self) -> None:
        assert len(leads(self.world)) <= 1

    @invariant()
    def every_decision_keeps_the_promises(self) -> None:
        for one in self.world.decided[self.checked :]:
            self._whoever_gave_it_back_is_not_asked_again_without_a_ruling(one)
            self._the_router_asks_nobody_for_what_stands(one)
            self._nobody_loses_an_order_for_nothing(one)
            self._a_replay_gives_the_same_ids(one)
            self._everything_says_why_in_both_languages(one)
            self._a_step_opens_when_all_before_it_are_finished(one)
        self.checked = len(self.world.decided)

    def _whoever_gave_it_back_is_not_asked_again_without_a_ruling(self, one: Decided) -> None:
        gave_back = {(given.target.kind, given.target.id) for given in one.cause.data.case.returns}
        for event in one.events:
            order = event.data.order
            if isinstance(event.data, OrderIssued) and (order.target.kind, order.target.id) in gave_back:
                by_word = order.reason in (OrderReason.RULED, OrderReason.TRANSFERRED)
                assert by_word or order.role is OrderRole.OVERSEE or order.target.id == COUNTY, order

    def _the_router_asks_nobody_for_what_stands(self, one: Decided) -> None:
        taken = {event.data.order.order_id for event in one.events if isinstance(event.data, OrderWithdrawn)}
        issued: list[Order] = [event.data.order for event in one.events if isinstance(event.data, OrderIssued)]
        standing = getattr(one.cause.data, "standing", ())
        stays: list[Standing] = [old for old in at_work(standing) if old.order_id not in taken]
        both: list[Order | Standing] = [*issued, *stays]
        asked = Counter((order.target.kind, order.target.id) for order in both if order.step is None)
        for order in issued:
            if order.step is None:
                assert asked[order.target.kind, order.target.id] == 1, order
            else:
                assert order.step not in {old.step for old in stays}
        assert sum(order.role is OrderRole.LEAD for order in both) <= 1

    def _nobody_loses_an_order_for_nothing(self, one: Decided) -> None:
        """Another of the same role comes only by a word that must be told anew; a mode takes none that is signed."""
        issued = {event.data.order.order_id: event.data.order for event in one.events}
        state = {old.order_id: old.state for old in getattr(one.cause.data, "standing", ())}
        for event in one.events:
            if not isinstance(event.data, OrderWithdrawn):
                continue
            old = event.data.order
            new = issued.get(event.data.replaced_by or old.order_id, old)
            # A step takes the place of plain assistance: that is another demand.
            if new is not old and (new.role, new.target, new.step) == (old.role, old.target, old.step):
                assert new.reason in (OrderReason.RULED, OrderReason.RULING)
            if isinstance(one.cause.data, CaseModeChanged) and old.role is OrderRole.LEAD:
                assert state[old.order_id] is OrderState.ISSUED

    def _a_replay_gives_the_same_ids(self, one: Decided) -> None:
        assert [event.id for event in self.world.answered(one.cause)] == [event.id for event in one.events]
        assert len({event.id for event in one.events}) == len(one.events)

    def _everything_says_why_in_both_languages(self, one: Decided) -> None:
        for event in one.events:
            match event.data:
                case OrderIssued(explanation=told):
                    assert told.words
                    assert told.words_en
                case OrderWithdrawn(reason=reason, reason_en=reason_en):
                    assert reason
                    assert reason_en

    def _a_step_opens_when_all_before_it_are_finished(self, one: Decided) -> None:
        matter = one.cause.data.case.matter
        opened = {e.data.order.step for e in one.events if e.data.order.reason is OrderReason.STEP}
        if matter is None or not isinstance(one.cause.data, CaseStepDone):
            return
        state = {step.id: step.state for step in matter.steps}
        for step in matter.steps:
            if step.id in opened:
                assert all(state[before] in (OrderState.RESOLVED, OrderState.WITHDRAWN) for before in step.after)

    @invariant()
    @precondition(lambda self: self.world.quiet)
    def when_all_has_arrived_one_leads_and_nobody_is_asked_twice(self) -> None:
        case = self.world.life
        assert (case.view.held is not None) == (case.view.state in HELD)
        if case.view.state is CaseState.RECEIVED:
            assert case.orders == (), "nobody is asked before somebody has filed it"
        elif case.view.state not in DONE:
            assert len(leads(self.world)) == 1, case.view.state
        elif case.view.state in CASE_ENDED:
            assert not case.standing
        asked = Counter((order.target.kind, order.target.id) for order in case.standing if order.step is None)
        assert not [target for target, times in asked.items() if times > 1]
        steps = Counter(order.step for order in case.standing if order.step is not None)
        assert not [step for step, times in steps.items() if times > 1]

    def teardown(self) -> None:
        if hasattr(self, "world") and self.world.case is not None:
            finish(self.world)
            self.every_decision_keeps_the_promises()

    def _with_order(self, nth: int, command: Any) -> None:
        orders = self.world.life.standing
        if orders:
            self._do(command(orders[nth % len(orders)]))

    def _do(self, command: Command) -> bool:
        done = self.world.do(command)
        if done and self.prompt:
            self.world.settle()
        return done


TestLives = Life.TestCase
TestLives.settings = settings(
    max_examples=int(os.environ.get("WHISTLE_LIVES", "100")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
pytestmark = pytest.mark.timeout(120)
