"""What a person sees while the platform works."""

import io

from rich.console import Console

from deploy.local.progress import PlainProgress, Quiet, RichProgress, Tone, progress_on


def test_a_pipe_gets_plain_lines_that_name_the_part_and_mark_what_is_wrong() -> None:
    out = io.StringIO()
    progress = progress_on(out)
    assert isinstance(progress, PlainProgress)
    progress.say("kafka", "ready", tone=Tone.GOOD)
    progress.say("kafka", "ended by itself", tone=Tone.BAD)
    first, second = out.getvalue().splitlines()
    assert first.endswith("kafka: ready")
    assert second.endswith("kafka: ! ended by itself")


def test_a_terminal_gets_colour_and_brackets_stay_brackets() -> None:
    out = io.StringIO()
    RichProgress(Console(file=out, force_terminal=True, width=120)).say("intake", 'checks ["kafka"]', tone=Tone.BAD)
    assert "\x1b[" in out.getvalue()
    assert '["kafka"]' in out.getvalue()


def test_a_quiet_listener_keeps_a_bounded_number_of_lines() -> None:
    quiet = Quiet()
    for number in range(Quiet.LIMIT + 5):
        quiet.say("a", str(number))
    assert len(quiet.lines) == Quiet.LIMIT
    assert quiet.lines[-1] == f"a: {Quiet.LIMIT + 4}"
