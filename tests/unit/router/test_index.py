"""The index finds what the plain ordered walk through all rules finds, near misses and shadows included."""

from dataclasses import replace

from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from services.router.domain.zones import ZoneMap, inside
from shared.events.parts import Place
from shared.finding import each_word, one_pass
from shared.playbook.model import Demand, DeskTarget, Rule, When
from shared.vocabulary import Level, OrderRole
from tests.fakes.both_walks import compare_walks
from tests.fakes.made_rules import WORDS, Maker
from tests.fakes.router import a_case
from tests.fakes.small_county import text


def test_the_index_equals_the_plain_walk() -> None:
    compare_walks(sets=40)


def test_words_found_in_one_pass_are_those_found_one_by_one() -> None:
    for words in (WORDS, (), ("",), ("", "水")):
        found, looked_for = one_pass(words), each_word(words)
        for said in ("", "漏水了，路灯不亮", "gas leak at 水", "x"):
            assert found(said) == looked_for(said)


def test_the_net_of_zones_holds_what_their_polygons_hold() -> None:
    maker = Maker(7)
    zones = maker.playbook().zones
    net = ZoneMap(zones, wanted=zones)
    for x in range(-5, 60):
        for y in range(-5, 60, 3):
            place = Place(lon=x / 100, lat=y / 100)
            rings = [(name, ring) for name, zone in zones.items() for ring in zone.polygons]
            assert net.holding(place) == {name for name, ring in rings if inside(ring, place.lon, place.lat)}


def test_a_rule_of_very_many_areas_and_categories_is_found_too() -> None:
    playbook = Maker(1).playbook()
    areas = tuple(f"990101{number:03}" for number in range(300))
    name = text("wide")
    demand = Demand(role=OrderRole.LEAD, target=DeskTarget(level=Level.COUNTY))
    when = When(areas=areas, categories=("01", "02"))
    wide = Rule(id="wide", version="1", title=name, because=name, when=when, demands=(demand,))
    book = Rulebook(replace(playbook, rules=(wide,)))
    inside_it = Facts.of(a_case(area="990101007001", category="01.002.1"))
    outside = Facts.of(a_case(area="990101999001", category="01.002.1"))
    assert [len(book.walk(facts).matches) for facts in (inside_it, outside)] == [1, 0]
