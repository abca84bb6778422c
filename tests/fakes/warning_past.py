"""The past of a made county, reckoned in memory as the replay does."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.escalation.domain.warning.columns import Columns
from services.escalation.domain.warning.replay import Figures, history_of
from services.escalation.domain.warning.reports import Report
from services.escalation.domain.warning.rounds import Asked, Past
from services.escalation.domain.warning.usual import HISTORY_DAYS, History, Season
from shared.vocabulary import Level


def past_of(reports: Sequence[Report], zone: ZoneInfo, now: datetime) -> Past:
    """What ``reports`` say of the days before ``now``."""
    first = min(one.at for one in reports).astimezone(zone).date()
    today = now.astimezone(zone).date()
    figures = Figures(
        season=Season(),
        days_known=min((today - first).days, HISTORY_DAYS),
        totals=Counter(one.category for one in reports if one.at < now - timedelta(days=1)),
        areas=dict.fromkeys(Level, 2),
    )

    columns = Columns.of(reports)

    def history(asked: Asked) -> History:
        counts = Counter(
            one.at.astimezone(zone).date()
            for one, is_held in zip(reports, asked.subject.held(columns), strict=True)
            if is_held
        )
        return history_of(counts, asked, figures, first=first)

    return Past(season=figures.season, history=history, zone=zone)
