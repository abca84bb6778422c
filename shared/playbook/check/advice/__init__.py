"""What a county may want to look at in a playbook that is sound: advice, never a refusal. Pure."""

from collections.abc import Iterator
from datetime import date

from shared.playbook.check.advice.advice import Advice, Subject, Weight
from shared.playbook.check.advice.chains import advise_chains
from shared.playbook.check.advice.dates import advise_dates
from shared.playbook.check.advice.duties import advise_duties
from shared.playbook.check.advice.limits import advise_limits
from shared.playbook.check.advice.roster import advise_roster
from shared.playbook.check.advice.rules import advise_rules
from shared.playbook.check.advice.unused import advise_templates
from shared.playbook.model import Playbook

__all__ = ["Advice", "Subject", "Weight", "advise"]


def advise(playbook: Playbook, *, today: date) -> Iterator[Advice]:
    """Yield what is worth a look in ``playbook``, a playbook that passed its checks, as of ``today``.

    That a rule can never match or is shadowed is only said when it is proved for every case.
    """
    yield from advise_rules(playbook, today=today)
    yield from advise_duties(playbook)
    yield from advise_roster(playbook)
    yield from advise_dates(playbook, today=today)
    yield from advise_limits(playbook, today=today)
    yield from advise_chains(playbook)
    yield from advise_templates(playbook)
