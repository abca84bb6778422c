"""Who a rule or a step asks: `{desk: town}`, `{department: gas}`, `{duty: handle}` or `{field: tag, …}`."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from shared.playbook import model
from shared.playbook.files.rows import Row, Slug, Word, refused
from shared.playbook.model import CaseField, Power
from shared.vocabulary import Level


class DeskNode(Row):
    """The desk of a level that covers the case's area, or the next above that exists."""

    desk: Level

    def value(self) -> model.Target:
        return model.DeskTarget(level=self.desk)


class DepartmentNode(Row):
    """One named department."""

    department: Slug

    def value(self) -> model.Target:
        return model.DepartmentTarget(department=self.department)


class DutyNode(Row):
    """Whoever's duty it is; empty (`duty:`) asks for the power that the case's category demands."""

    duty: Power | None

    def value(self) -> model.Target:
        return model.DutyTarget(power=self.duty)


class FieldNode(Row):
    """The department that a field of the case names, by itself or through a table."""

    field: CaseField
    prefix: Annotated[str, Field(max_length=32)] = ""
    table: Annotated[dict[Word, Slug], Field(max_length=2000, default_factory=dict)]

    def value(self) -> model.Target:
        return model.FieldTarget(of=self.field, prefix=self.prefix, table=dict(self.table))


KINDS: dict[str, type[DeskNode | DepartmentNode | DutyNode | FieldNode]] = {
    "desk": DeskNode,
    "department": DepartmentNode,
    "duty": DutyNode,
    "field": FieldNode,
}
ALLOWED = (
    "{desk: village|town|county}, {department: <id>}, {duty: handle|enforce|report|assist}, {duty: }"
    " or {field: tag|category|condition|source|area}"
)
BACKUPS = "backups"


def _of_its_kind(value: object, *, with_backups: bool) -> object:
    """Read `value` by the one key that says its kind, so that a mistake is told of that kind alone."""
    kinds = [KINDS[key] for key in value if key in KINDS] if isinstance(value, dict) else []
    if len(kinds) != 1:
        raise refused("target", "no target" if not kinds else "more than one target", ALLOWED)
    return _WITH_BACKUPS[kinds[0]].model_validate(value) if with_backups else kinds[0].model_validate(value)


def _target(value: object) -> object:
    return _of_its_kind(value, with_backups=False)


def _asked(value: object) -> object:
    return _of_its_kind(value, with_backups=True)


TargetNode = Annotated[DeskNode | DepartmentNode | DutyNode | FieldNode, BeforeValidator(_target)]
Backups = Annotated[tuple[TargetNode, ...], Field(max_length=8)]


class AskedDesk(DeskNode):
    """A desk with those who are asked when nobody of it is on duty."""

    backups: Backups = ()


class AskedDepartment(DepartmentNode):
    """A department with those who are asked when nobody of it is on duty."""

    backups: Backups = ()


class AskedDuty(DutyNode):
    """Whoever's duty it is, with those who are asked when nobody of it is on duty."""

    backups: Backups = ()


class AskedField(FieldNode):
    """The department that a field names, with those who are asked when nobody of it is on duty."""

    backups: Backups = ()


_WITH_BACKUPS: dict[type[Row], type[AskedDesk | AskedDepartment | AskedDuty | AskedField]] = {
    DeskNode: AskedDesk,
    DepartmentNode: AskedDepartment,
    DutyNode: AskedDuty,
    FieldNode: AskedField,
}
AskedNode = Annotated[AskedDesk | AskedDepartment | AskedDuty | AskedField, BeforeValidator(_asked)]
"""A target of a rule's demand: with `backups: [targets]` beside it."""
