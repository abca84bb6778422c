# ruff: noqa: E501  features of a GeoJSON file, one a line
"""The files of a sound playbook so small that a test can spoil one line and know which."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

TINY: Mapping[str, str] = MappingProxyType(
    {
        "playbook.yaml": """\
county: "990199"
name: {zh: 小县, en: Tiny County}
version: "1"
timezone: Asia/Shanghai
""",
        "areas.csv": """\
code,zh,en,kind,desk,settlement
990199,小县,Tiny County,县,true,
990199001,东镇,East Town,镇,true,rural
990199001001,东村,East Village,村,true,
990199001002,西村,West Village,村,false,
""",
        "cells.geojson": """\
{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"code":"990199001001001","village":"990199001001"},"geometry":{"type":"Polygon","coordinates":[[[100,25],[101,25],[101,26],[100,26],[100,25]]]}},
{"type":"Feature","properties":{"code":"990199001002001","village":"990199001002"},"geometry":{"type":"Polygon","coordinates":[[[101,25],[102,25],[102,26],[101,26],[101,25]]]}}
]}
""",
        "zones.geojson": """\
{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"id":"school","zh":"学校周边","en":"Around the school"},"geometry":{"type":"Polygon","coordinates":[[[100.1,25.1],[100.2,25.1],[100.2,25.2],[100.1,25.1]]]}}
]}
""",
        "enforcement.csv": """\
code,zh,en,department,category,area,basis
E03,燃气执法,Gas enforcement,gas,03,990199,made up
""",
        "matters.yaml": """\
matters:
  - id: leak
    title: {zh: 漏气一件事, en: A leak}
    steps:
      - {id: close, title: {zh: 关阀, en: Close}, target: {department: gas}}
      - {id: look, title: {zh: 复查, en: Look again}, target: {duty: assist}, after: [close]}
""",
        "modes.yaml": """\
modes:
  - id: flood-II
    title: {zh: 防汛二级, en: Flood II}
    kind: emergency
    level: town
    grade: II
    reroute: {category: ["03"]}
  - id: drill
    title: {zh: 演练, en: Drill}
    kind: drill
    level: town
""",
        "warnings.yaml": """\
warnings:
  - id: gas-burst
    name: {zh: 燃气诉求激增, en: Many gas reports}
    window_minutes: 360
    at_least: 4
    odds: 100000
    level: town
    categories: ["03"]
    areas: ["990199"]
    open_case: {severity: II}
""",
        "departments.csv": """\
id,zh,en,area
gas,燃气公司,Gas Company,990199
east-station,东镇综合站,East Station,990199001
""",
        "categories.yaml": """\
categories:
  - code: "03"
    zh: 燃气
    en: Gas
    severity: III
    power: handle
    children:
      - code: "03.001"
        zh: 燃气泄漏
        en: Gas leak
        severity: II
        words: [漏气]
        conditions:
          - {code: indoor, zh: 室内, en: indoors}
""",
        "duties.csv": """\
department,category,area,power
gas,03,990199,handle
east-station,03.001,990199001,assist
""",
        "rules.yaml": """\
rules:
  - id: leak
    title: {zh: 泄漏, en: Leak}
    when: {category: ["03.001"], area: ["990199001"]}
    lead: {department: gas}
    assist: [{duty: assist}]
    because: {zh: 燃气公司主办, en: The gas company leads}
  - id: by-duty
    title: {zh: 按权责, en: By duty}
    lead: {duty: }
    because: {zh: 谁的职责谁办, en: Whose duty it is}
""",
        "clocks.csv": """\
id,kind,category,condition,severity,amount,unit,warn_at,when_late,source,mode,profile,whistle
sign,sign_in,,,,30,continuous_minute,0.5 0.8,take_over,made up,,,
handle,handle,,,,5,working_day,,oversee,made up,,,
leak-indoor,handle,03.001,indoor,,1,continuous_hour,,take_over,made up,,,
sign-flood,sign_in,,,,10,continuous_minute,,take_over,made up,flood-II,,
sign-urgent,sign_in,,,,5,continuous_minute,,take_over,made up,,urgent,
sign-whistle,sign_in,,,,30,continuous_minute,,oversee,made up,,,true
""",
        "calendar.yaml": """\
weekly:
  1: [{opens: "08:00", closes: "12:00"}, {opens: "14:00", closes: "18:00"}]
  2: [{opens: "08:00", closes: "18:00"}]
makeup_hours: [{opens: "08:00", closes: "18:00"}]
years: {2026: announced}
holidays:
  2026-10-01: 国庆节
makeup_days:
  2026-10-10: 调休
""",
        "officers.csv": """\
id,name,phone
o1,麓甲子,000-0000-0001
""",
        "shifts.csv": """\
owner,weekdays,opens,closes,officers
990199,1-7,08:00,20:00,o1
990199,1-7,20:00,08:00,o1
990199001,1-7,00:00,00:00,o1
990199001001,1-5,08:00,18:00,o1
""",
    }
)


def write_tiny(folder: Path, **changes: tuple[str, str]) -> Path:
    """Write the files into `folder`; each change replaces one text once: `rules=("gas", "gass")`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in TINY.items():
        old, new = changes.get(name.partition(".")[0], ("", ""))
        assert text.count(old) >= 1, f"{old!r} is not in {name}"
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder
