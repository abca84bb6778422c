"""Categories, duties and the enforcement catalogue: `categories.yaml`, `duties.csv`, `enforcement.csv`."""

from typing import Annotated

from pydantic import Field

from shared.playbook import model
from shared.playbook.files.rows import Grade, Name, Row, Slug, Words
from shared.playbook.model import Power, Text
from shared.vocabulary import AreaCode, CategoryCode, Pattern

StandardCode = Annotated[str, Pattern(r"^[0-9]{5}$")]
"""Two digits of a class and three of a matter: 管理事项 of GB/T 47678.5, appendix C."""


class ConditionNode(Row):
    """A state in which a category's matter is found; limits differ by it."""

    code: Slug
    zh: Name
    en: Name
    words: Words = ()

    def value(self) -> model.Condition:
        return model.Condition(code=self.code, name=Text(zh=self.zh, en=self.en), words=self.words)


class CategoryNode(Row):
    """A kind of matter; severity and power come from the parent where a child is silent."""

    code: CategoryCode
    zh: Name
    en: Name
    severity: Grade | None = None
    power: Power | None = None
    words: Words = ()
    conditions: tuple[ConditionNode, ...] = ()
    standard: Annotated[tuple[StandardCode, ...], Field(max_length=100)] = ()
    """What it is in the national catalogue; a category without any is the county's own."""
    children: tuple["CategoryNode", ...] = ()


class CategoriesFile(Row):
    """`categories.yaml`: the tree of matters."""

    categories: Annotated[tuple[CategoryNode, ...], Field(min_length=1)]


class DutyRow(Row):
    """`duties.csv`: one department, category, area and power."""

    department: Slug
    category: CategoryCode
    area: AreaCode
    power: Power

    def value(self) -> model.Duty:
        return model.Duty(department=self.department, category=self.category, area=self.area, power=self.power)


class EnforcementRow(Row):
    """`enforcement.csv`: one matter of enforcement of one department, with the law that gives the power."""

    code: Slug
    zh: Name
    en: Name
    department: Slug
    category: CategoryCode
    area: AreaCode
    basis: Annotated[str, Field(min_length=1, max_length=300)]

    def value(self) -> model.EnforcementItem:
        return model.EnforcementItem(
            code=self.code,
            name=Text(zh=self.zh, en=self.en),
            department=self.department,
            category=self.category,
            area=self.area,
            basis=self.basis,
        )
