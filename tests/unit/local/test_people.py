"""Simulated people decide once an order, and everybody has a key."""

from collections import Counter
from uuid import UUID, uuid5

from deploy.local.demo.people import Course, desks_and_departments, plan
from deploy.local.demo.playbook import demo_playbook
from shared.runtime.keyfile import Key, Secret
from shared.vocabulary import OrderRole, Severity

ORDERS = [uuid5(UUID(int=1), str(n)) for n in range(2000)]


def test_an_order_has_the_same_fate_each_time() -> None:
    for order in ORDERS[:50]:
        first = plan(order, OrderRole.LEAD, Severity.III, seed=3)
        assert plan(order, OrderRole.LEAD, Severity.III, seed=3) == first


def test_most_do_their_work_some_return_it_and_some_forget() -> None:
    fates = Counter(plan(order, OrderRole.LEAD, Severity.IV, seed=3).course for order in ORDERS)
    assert fates[Course.DO] > 1600
    assert fates[Course.RETURN] > 40
    assert fates[Course.FORGET] > 40


def test_only_a_lead_gives_an_order_back() -> None:
    for role in (OrderRole.ASSIST, OrderRole.OVERSEE):
        assert Course.RETURN not in {plan(order, role, Severity.IV, seed=3).course for order in ORDERS}


def test_every_desk_its_head_and_every_department_gets_a_key_that_a_key_file_takes() -> None:
    playbook = demo_playbook()
    bearers = desks_and_departments(playbook)
    secret = Secret(sha256="0" * 64, created_at=None, expires_at=None)
    for one in bearers:
        Key(id=one.id, name=one.name, role=one.role, area=one.area, department=one.department, secrets=(secret,))
    assert len({one.id for one in bearers}) == len(bearers)
    desks = sum(area.desk for area in playbook.areas.values())
    # The county's head has the key that everybody at the keyboard has.
    assert len(bearers) == desks + (desks - 1) + len(playbook.departments)
