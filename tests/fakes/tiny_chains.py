"""A `chains.yaml` beside the files of `tiny_playbook`, with every field of it, and its clocks and shifts."""

from pathlib import Path
from typing import Final

from tests.fakes.tiny_playbook import write_tiny

CHAINS: Final = """\
chains:
  - id: ladder
    title: {zh: 逐级升级, en: Step by step}
    source: made up
    steps:
      - id: urge
        at: {passed: 0.7}
        action: urge
        title: {zh: 催办, en: Urge}
        every: {amount: 1, unit: continuous_minute}
        times: 3
      - {id: tell, at: {before: {amount: 5, unit: continuous_minute}}, action: notify, to: above}
      - {id: end, at: due, action: notify, to: target_leader, copies: [target, above]}
      - id: order
        at: {after: {amount: 2, unit: working_hour}}
        action: supervise
        copies: [county_leader]
        instruction: {zh: 说明原因, en: Say why}
        reply_within: {amount: 1, unit: natural_day}
      - {id: up, at: {after: {amount: 1, unit: working_day}}, action: oversee, copies: [above_leader]}
      - {id: all, at: {after: {amount: 5, unit: working_day}}, action: circulate}
  - id: daily
    title: {zh: 每日, en: Daily}
    source: made up
    steps:
      - {id: first, at: {day_end: 0}, action: urge}
      - {id: third, at: {since: {amount: 3, unit: natural_day}}, action: take_over}
"""
CLOCKS: Final = """\
id,kind,category,condition,severity,amount,unit,warn_at,when_late,source,chain
sign,sign_in,,,,30,continuous_minute,0.5 0.8,take_over,made up,ladder
handle,handle,,,,5,working_day,,oversee,made up,ladder
plain,verify,,,,30,continuous_minute,,none,made up,
supervise,supervise,,,,7,natural_day,,none,made up,daily
"""
SHIFTS: Final = """\
owner,weekdays,opens,closes,officers,post
990199,1-7,08:00,20:00,o1,
990199,1-7,20:00,08:00,o1,officer
990199,1-7,00:00,00:00,o1,leader
990199001,1-7,00:00,00:00,o1,
990199001001,1-5,08:00,18:00,o1,
"""


def write_chained(folder: Path, **changes: tuple[str, str]) -> Path:
    """Write a sound playbook with chains into `folder`; changes of these three files replace one text once."""
    write_tiny(folder)
    for name, text in (("chains.yaml", CHAINS), ("clocks.csv", CLOCKS), ("shifts.csv", SHIFTS)):
        old, new = changes.get(name.partition(".")[0], ("", ""))
        assert text.count(old) >= 1, f"{old!r} is not in {name}"
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder
