"""Departments, their duties and the duty roster."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from playbooks.generator.catalogue import ITEMS
from playbooks.generator.names import TOWNS, officer_name
from playbooks.generator.places import COUNTY, AreaPlan


class Duties(NamedTuple):
    """Categories by power; a family stands for its children."""

    handle: str = ""
    enforce: str = ""
    assist: str = ""


class Office(NamedTuple):
    """A department in both languages and what it answers for."""

    id: str
    zh: str
    en: str
    duties: Duties


BUREAUS: Final = (
    Office("water", "县水务局", "Water Bureau", Duties("01.005 01.007 08.004 11.001", "07.002 07.006", "07")),
    Office("water-supply", "县供水公司", "Water Company", Duties("01.001 01.002 01.003 01.006", assist="01")),
    Office("drainage", "县排水管理所", "Drainage Office", Duties("01")),
    Office("power", "县供电公司", "Power Company", Duties("02", assist="08")),
    Office("telecom", "县通信管理办", "Telecom Office", Duties("02.005")),
    Office("gas", "县燃气公司", "Gas Company", Duties("03")),
    Office(
        "urban", "县城市管理局", "Urban Management Bureau", Duties("05 02.003", "03.004 05 06.001 07.001 07.005 04.009")
    ),
    Office("housing", "县住房和城乡建设局", "Housing and Construction Bureau", Duties("06", "06 03.003")),
    Office("police", "县公安局", "Public Security Bureau", Duties("09", "09 08.007 10.009", "08")),
    Office("traffic-police", "县交警大队", "Traffic Police", Duties("04.003 04.005 04.007", "04.004", "04")),
    Office("fire", "县消防救援大队", "Fire and Rescue", Duties("08.001 08.006 08.008 08.009", "08.002", "03")),
    Office("ambulance", "县急救中心", "Ambulance Centre", Duties("10.010", assist="08")),
    Office("health", "县卫生健康局", "Health Bureau", Duties("10.001", "10.001")),
    Office("cdc", "县疾病预防控制中心", "Disease Control Centre", Duties(assist="10.001 11.003")),
    Office("environment", "县生态环境局", "Environment Bureau", Duties("07", "07 11.005")),
    Office("transport", "县交通运输局", "Transport Bureau", Duties("04", "04")),
    Office("market", "县市场监督管理局", "Market Supervision Bureau", Duties("06.005", "10.002 10.003")),
    Office("civil", "县民政局", "Civil Affairs Bureau", Duties("10")),
    Office("insurance", "县医疗保障局", "Medical Insurance Bureau", Duties("10.006")),
    Office("education", "县教育局", "Education Bureau", Duties("10.007")),
    Office("culture", "县文化和旅游局", "Culture and Tourism Bureau", Duties("10.011")),
    Office("agriculture", "县农业农村局", "Agriculture Bureau", Duties("11", "11")),
    Office("forestry", "县林业局", "Forestry Bureau", Duties(assist="08.006 05.008")),
    Office(
        "natural-resources", "县自然资源局", "Natural Resources Bureau", Duties("08.003 09.004", "09.004", "06.001")
    ),
    Office("emergency", "县应急管理局", "Emergency Management Bureau", Duties("08", "08", "08")),
    Office("labour", "县人力资源和社会保障局", "Labour Bureau", Duties(enforce="09.003")),
    Office("justice", "县司法局", "Justice Bureau", Duties("09.001", assist="09.004")),
    Office("petitions", "县信访局", "Petitions Office", Duties("12", assist="12")),
)

STATIONS: Final = (
    Office("water", "水务站", "Water Station", Duties("01.004 01.005 01.007 11.001", assist="01 08.004")),
    Office("power", "供电所", "Power Station", Duties("02.001 02.003 02.004", assist="02")),
    Office(
        "enforcement",
        "综合执法队",
        "Enforcement Team",
        Duties("05.003 05.006 05.007", "05 06.001 06.003 06.004 07.001 07.003"),
    ),
    Office("sanitation", "环卫所", "Sanitation Depot", Duties("05")),
    Office(
        "police", "派出所", "Police Station", Duties("09.002 09.006", "09.002 09.005 09.006 10.009 08.007", "03 09.003")
    ),
    Office("construction", "村镇建设办", "Construction Office", Duties("04.002 04.007 06.002 06.006 06.007")),
    Office("clinic", "卫生院", "Clinic", Duties("10.010", assist="10.001")),
    Office("emergency", "应急消防站", "Emergency and Fire Station", Duties("08.009", assist="03 08")),
    Office(
        "civil", "社会事务办", "Social Affairs Office", Duties("10.004 10.005 10.006 10.008 12.001 12.002", assist="10")
    ),
    Office("mediation", "司法所", "Justice Office", Duties("09.001 09.004", assist="09")),
    Office("farming", "农业服务中心", "Farm Service Centre", Duties("11.002 11.003 11.004", assist="11")),
    Office("market", "市场监管所", "Market Supervision Office", Duties(enforce="10.003", assist="10.002")),
)
"""Every town has each of these; `<town>-<id>` is the department's id."""


ROUND_THE_CLOCK: Final = frozenset(
    {
        "water",
        "supply",
        "power",
        "gas",
        "police",
        "fire",
        "ambulance",
        "emergency",
        "clinic",
        "drainage",
        "transport",
        "resources",
        "environment",
        "housing",
        "labour",
    }
)
"""Offices that answer at night, by the last word of their id."""


LEADER: Final = "leader"
EVERY_DAY: Final = ("1-7",)
LEADERS_DAYS: Final = {6: ("1", "2", "3", "4", "5", "6", "7"), 9: ("1 3 5 7", "2 4 6")}
"""Weekdays on which each leader of a desk is on duty, from eight to eight, by the digits of its area."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offices:
    """Rows of departments.csv, duties.csv, enforcement.csv, officers.csv and shifts.csv."""

    departments: Sequence[tuple[str, ...]]
    duties: Sequence[tuple[str, ...]]
    enforcement: Sequence[tuple[str, ...]]
    officers: Sequence[tuple[str, ...]]
    shifts: Sequence[tuple[str, ...]]


def make_offices(areas: Sequence[AreaPlan]) -> Offices:
    """Return all offices of the county's areas."""
    placed = list(_placed())
    officers: list[tuple[str, ...]] = []
    # Leaders come last: whoever stands on the roster keeps their number.
    shifts = [*_shifts(areas, officers), *_office_shifts(placed, officers), *_led(areas, placed, officers)]
    return Offices(
        departments=[(office.id, office.zh, office.en, area) for office, area in placed],
        duties=[duty for office, area in placed for duty in _duties(office, area)],
        enforcement=[item for office, area in placed for item in _enforcement(office, area)],
        officers=officers,
        shifts=shifts,
    )


def _placed() -> Iterator[tuple[Office, str]]:
    for bureau in BUREAUS:
        yield bureau, COUNTY
    for digits, place in TOWNS:
        for station in STATIONS:
            name = f"{place.en.lower()}-{station.id}"
            yield Office(name, place.zh + station.zh, f"{place.en} {station.en}", station.duties), COUNTY + digits


def _duties(office: Office, area: str) -> Iterator[tuple[str, ...]]:
    for power, categories in (("handle", office.duties.handle), ("assist", office.duties.assist)):
        for category in categories.split():
            yield office.id, category, area, power


def _enforcement(office: Office, area: str) -> Iterator[tuple[str, ...]]:
    for category in office.duties.enforce.split():
        item = ITEMS[category]
        yield f"E{category}", item.zh, item.en, office.id, category, area, item.basis


def _shifts(areas: Sequence[AreaPlan], officers: list[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """County and town desks: day and night, with a backup; village desks: one keeper round the clock."""
    for area in areas:
        if area.desk:
            yield from _desk_shifts(area, officers)


def _desk_shifts(area: AreaPlan, officers: list[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    if area.kind in ("村", "社区"):
        yield area.code, "1-7", "00:00", "00:00", _hired(officers), ""
        return
    day, night, backup = (_hired(officers) for _ in range(3))
    yield area.code, "1-7", "08:00", "20:00", f"{day} {backup}", ""
    yield area.code, "1-7", "20:00", "08:00", f"{night} {backup}", ""


def _office_shifts(placed: Sequence[tuple[Office, str]], officers: list[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Who turns out at night is on duty round the clock, every other office in office hours."""
    for office, _ in placed:
        day = _hired(officers)
        if office.id.rpartition("-")[2] in ROUND_THE_CLOCK:
            night = _hired(officers)
            yield office.id, "1-7", "08:00", "20:00", f"{day} {night}", ""
            yield office.id, "1-7", "20:00", "08:00", f"{night} {day}", ""
        else:
            yield office.id, "1-5", "08:00", "18:00", day, ""


def _led(
    areas: Sequence[AreaPlan], placed: Sequence[tuple[Office, str]], officers: list[tuple[str, ...]]
) -> Iterator[tuple[str, ...]]:
    """Leaders on duty (带班领导): another each day at the county, two in turn at a town, one everywhere else."""
    for area in areas:
        if area.desk:
            for weekdays in LEADERS_DAYS.get(len(area.code), EVERY_DAY):
                yield area.code, weekdays, "08:00", "08:00", _hired(officers), LEADER
    for office, _ in placed:
        if office.id.rpartition("-")[2] in ROUND_THE_CLOCK:
            yield office.id, "1-7", "08:00", "08:00", _hired(officers), LEADER
        else:
            yield office.id, "1-5", "08:00", "18:00", _hired(officers), LEADER


def _hired(officers: list[tuple[str, ...]]) -> str:
    number = len(officers)
    officer = f"o{number:04}"
    officers.append((officer, officer_name(number), f"000-0000-{number:04}"))
    return officer
