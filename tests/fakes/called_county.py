"""The small county with more departments to call, and the modes that it can be put into."""

from dataclasses import replace

from shared.playbook.model import Department, Mode, Playbook
from shared.vocabulary import Level, ModeKind, Severity
from tests.fakes.small_county import COUNTY, small_county, text

POLICE, WATER_BUREAU, MARKET = "police", "water-bureau", "market"
FLOOD, STORM, DRILL, TOWN_FLOOD = "flood-3", "storm-1", "drill", "town-flood"


def called_county() -> Playbook:
    county = small_county()
    more = {
        one: Department(id=one, name=text(one), level=Level.COUNTY, area=COUNTY)
        for one in (POLICE, WATER_BUREAU, MARKET)
    }
    modes = (
        Mode(id=FLOOD, title=text("防汛三级"), kind=ModeKind.EMERGENCY, level=Level.COUNTY, grade=Severity.III),
        Mode(id=STORM, title=text("台风一级"), kind=ModeKind.EMERGENCY, level=Level.COUNTY, grade=Severity.I),
        Mode(id=TOWN_FLOOD, title=text("镇防汛"), kind=ModeKind.EMERGENCY, level=Level.TOWN, grade=Severity.IV),
        Mode(id=DRILL, title=text("演练"), kind=ModeKind.DRILL, level=Level.TOWN),
    )
    return replace(
        county,
        departments={**county.departments, **more},
        modes={mode.id: mode for mode in modes},
    )
