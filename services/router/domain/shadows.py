"""Rules in shadow: whom they would have asked, told and never acted on."""

from dataclasses import replace

from services.router.domain.facts import Facts
from services.router.domain.rulebook import Match, Rulebook, Walk
from shared.events.order import ShadowMatch
from shared.vocabulary import OrderRole

ROLE_WORDS = {OrderRole.LEAD: "主办", OrderRole.ASSIST: "协办", OrderRole.OVERSEE: "督办"}


def with_shadows(walk: Walk, facts: Facts, book: Rulebook) -> Walk:
    """Return the walk with what its rules in shadow would have done, in words."""
    if not walk.shadows:
        return walk
    return replace(walk, would_have=tuple(_would_have(match, facts, book) for match in walk.shadows))


def _would_have(match: Match, facts: Facts, book: Rulebook) -> ShadowMatch:
    rule = match.rule
    asked = [(demand.role, book.directory.chosen(demand, facts)) for demand in rule.demands]
    found = [(role, choice) for role, choice in asked if choice is not None]
    zh = "、".join(f"{ROLE_WORDS[role]}：{choice.target.name or choice.target.id}" for role, choice in found)
    en = ", ".join(f"{role.value}: {choice.target.id}" for role, choice in found)
    return ShadowMatch(
        rule_id=rule.id,
        rule_title=rule.title.zh[:200],
        words=f"试运行规则「{rule.title.zh}」本会派给 {zh or '无人'}"[:2000],
        words_en=f"Rule '{rule.title.en}' in shadow would have asked {en or 'nobody'}"[:2000],
    )
