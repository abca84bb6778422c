"""An early warning that asks for a case opens one, once; any other opens none."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.escalation.domain.warning.reports import SOURCE
from services.intake.handlers import Doors, accept_inbound
from shared.events.codec import adapter, encode
from shared.events.envelope import Event, Payload, derive_id
from shared.events.examples import examples_of
from shared.events.inbound import ReportReceived
from shared.events.topics import PAYLOADS, WARNING
from shared.events.warning import WarningEnded, WarningRaised
from shared.runtime.delivery import Record
from shared.vocabulary import Severity, Source
from tests.fakes.called_county import called_county
from tests.fakes.intake import FakeCaseStore, FakePlaybooks, FakeVault
from tests.fakes.small_county import COUNTY, GAS_LEAK, WEST_VILLAGE

NOW = datetime(2026, 11, 21, 1, 12, 30, tzinfo=UTC)


def example(kind: str, name: str) -> Payload:
    data: Payload = adapter(PAYLOADS[kind]).validate_python(examples_of(kind)[name], strict=False)
    return data


def record(data: Payload, topic: str = WARNING.name) -> Record:
    event = Event(id=derive_id(SPACE, "e"), source=SOURCE, subject=COUNTY, time=NOW, sequence=1, data=data)
    message = encode(event)
    return Record(topic, 0, 0, message.key, message.value, message.headers, 0)


RAISED = example("whistle.warning.raised.v1", "hot-spot-opens-a-case")
assert isinstance(RAISED, WarningRaised)
HERE = replace(RAISED, warning=replace(RAISED.warning, area=WEST_VILLAGE, category=GAS_LEAK, spot=None))
SPACE = HERE.warning.warning_id


@pytest.fixture
def doors() -> Doors:
    return Doors(store=FakeCaseStore(), playbooks=FakePlaybooks(called_county()), vault=FakeVault(), clock=lambda: NOW)


async def test_a_warning_opens_one_case_however_often_it_comes(doors: Doors) -> None:
    for _ in range(2):
        assert list((await accept_inbound([record(HERE)], doors=doors)).rejected) == []
    store = doors.store
    assert isinstance(store, FakeCaseStore)
    (opened,) = [event.data for event in store.state.events if event.type == "whistle.case.opened.v1"]
    assert (opened.case.area, opened.case.category, opened.case.source) == (WEST_VILLAGE, GAS_LEAK, Source.INSPECTION)
    assert opened.case.severity is Severity.II
    assert opened.case.tags == ("early-warning",)
    # By this it is known as no report of anybody, and never counted itself.
    assert opened.by.id == SOURCE


async def test_a_warning_that_asks_for_none_and_one_that_ends_open_none(doors: Doors) -> None:
    ended = example("whistle.warning.ended.v1", "as-usual")
    assert isinstance(ended, WarningEnded)
    outcome = await accept_inbound([record(replace(HERE, case=None)), record(ended)], doors=doors)
    assert list(outcome.rejected) == []
    store = doors.store
    assert isinstance(store, FakeCaseStore)
    assert store.state.events == []


async def test_a_report_on_the_topic_of_warnings_and_a_warning_on_that_of_reports_are_set_aside(doors: Doors) -> None:
    stranger = ReportReceived(source=Source.SENSOR, reference="s-1", text="燃气味", area=WEST_VILLAGE)
    outcome = await accept_inbound([record(stranger), record(HERE, "whistle.inbound.v1")], doors=doors)
    assert ["does not belong" in one.reason for one in outcome.rejected] == [True, True]
