"""What the demo says in the terminal: the stories as they happen, a line of counts, where to look, the account."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.markup import escape

from deploy.local.demo.messages import FORGOTTEN, HELD, MERGED, STORY, WHISTLED
from deploy.local.demo.stream import Heard
from shared.vocabulary import OrderRole

MARKS: Final[Mapping[str, tuple[str, str]]] = {
    STORY: ("🔥", "bold yellow"),
    FORGOTTEN: ("⏰", "bold magenta"),
    WHISTLED: ("📣", "bold green"),
    HELD: ("⏸", "bold blue"),
    MERGED: ("👥", "bold white"),
}
"""By the tag of a case that is told: the sign before its lines, and their style."""
ECHOES: Final = frozenset(
    {
        "whistle.case.routed.v1",
        "whistle.case.order_withdrawn.v1",
        "whistle.case.escalated.v1",
        "whistle.sla.warned.v1",
        "whistle.sla.breached.v1",
    }
)
LEADS_ONLY: Final = frozenset({"whistle.sla.started.v1", "whistle.sla.stopped.v1"})
"""Told of whoever leads; of all who help they would drown the story."""


class Teller:
    """Speaks to the person at the terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    def headline(self, text: str) -> None:
        """Begin a part."""
        self._console.print(f"\n[bold]{escape(text)}[/]", highlight=False)

    def line(self, text: str, *, style: str = "default") -> None:
        """Say one line."""
        self._console.print(f"[{style}]{escape(text)}[/]", highlight=False, soft_wrap=True)

    def story(self, heard: Heard) -> None:
        """Tell one event of one of the cases that are followed; what repeats another's news is left out."""
        if not _is_news(heard, leads_only=FORGOTTEN in heard.tags):
            return
        mark, style = next(MARKS[tag] for tag in heard.tags if tag in MARKS)
        self.line(f"{self._clock()} {mark} {heard.words} · {heard.words_en}", style=style)
        why = _why(heard)
        if why and why != heard.words:
            self.line(f"{'':11}↳ {why}", style="dim")

    def counts(self, sent: int, refused: int, heard: Mapping[str, int], actions: Counter[str]) -> None:
        """Say how far it is."""
        orders, moved = heard.get("whistle.order.issued.v1", 0), heard.get("whistle.sla.escalated.v1", 0)
        closed = heard.get("whistle.case.closed.v1", 0)
        self.line(
            f"{self._clock()}    {sent} 条上报 sent, {refused} 条拒收 refused · {orders} 张派单 orders ·"
            f" {actions.total()} 次操作 actions · {moved} 次升级 escalations · {closed} 件办结 closed",
            style="cyan",
        )

    def table(self, title: str, rows: Sequence[tuple[str, str]]) -> None:
        """Show two columns; a long value runs on, so that it can be copied whole."""
        self.headline(title)
        width = 2 + max(cell_len(name) for name, _ in rows)
        for name, value in rows:
            padded = set_cell_size(name, width)
            self._console.print(f"  [bold]{escape(padded)}[/] {escape(value)}", highlight=False, soft_wrap=True)

    def _clock(self) -> str:
        minutes, seconds = divmod(time.monotonic() - self._began, 60)
        return f"{int(minutes):02d}:{seconds:04.1f}"


def _is_news(heard: Heard, *, leads_only: bool) -> bool:
    """True for an event worth a line: intake's echo of an order or an escalation is none, nor is a warning."""
    if heard.type in ECHOES:
        return False
    leads_only = leads_only or heard.type in LEADS_ONLY
    return not leads_only or _role(heard.data) == OrderRole.LEAD


def _role(data: Mapping[str, Any]) -> str:
    """The role of the order that an event is about; what is about no order counts as the lead's."""
    if "order" in data:
        return str(data["order"]["role"])
    if "clock" in data:
        return str(data["clock"]["order_role"])
    return str(data.get("order_role", OrderRole.LEAD))


def _why(heard: Heard) -> str:
    data: Mapping[str, Any] = heard.data
    match heard.type:
        case "whistle.case.opened.v1":
            why = f"「{data['text']}」 {data['category_why']}"
        case "whistle.case.report_joined.v1":
            why = f"「{data['text']}」 {data['why']}"
        case "whistle.case.supervised.v1" | "whistle.case.supervision_replied.v1":
            why = str(data.get("instruction") or data.get("reply", ""))
        case "whistle.order.issued.v1":
            why = str(data["explanation"]["words"])
        case _:
            why = str(data.get("note", "") or data.get("reason", ""))
    # Reasons come in Chinese and English, one after the other; the line above has said it in English.
    return why.split(" | ", maxsplit=1)[0]
