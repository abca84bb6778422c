"""What the demo says in the terminal: both stories as they happen, a line of counts, where to look, the account."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.local.demo.stream import Heard

STORY_STYLE: Final = "bold yellow"
FORGOTTEN_STYLE: Final = "bold magenta"
LOUD: Final = ("whistle.sla.", "whistle.case.escalated", "whistle.order.")


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

    def story(self, heard: Heard, *, forgotten: bool) -> None:
        """Tell one event of one of the two cases that are followed."""
        mark, style = ("⏰", FORGOTTEN_STYLE) if forgotten else ("🔥", STORY_STYLE)
        if forgotten and not heard.type.startswith((*LOUD, "whistle.case.opened", "whistle.case.signed")):
            return
        self.line(f"{self._clock()} {mark} {heard.words} · {heard.words_en}", style=style)
        why = _why(heard)
        if why:
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
        """Show two columns."""
        table = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2))
        for name, value in rows:
            table.add_row(escape(name), escape(value))
        self._console.print(table)

    def _clock(self) -> str:
        minutes, seconds = divmod(time.monotonic() - self._began, 60)
        return f"{int(minutes):02d}:{seconds:04.1f}"


def _why(heard: Heard) -> str:
    data: Mapping[str, Any] = heard.data
    if heard.type == "whistle.case.opened.v1":
        return f"「{data['text']}」 {data['category_why']}"
    if heard.type == "whistle.order.issued.v1":
        return str(data["explanation"]["words"])
    if heard.type == "whistle.sla.escalated.v1":
        return str(data["reason"])
    return str(data.get("note", "") or data.get("reason", ""))
