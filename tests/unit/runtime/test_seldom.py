"""One sentence of the Kafka client is shown once in ten seconds, everything else always."""

from __future__ import annotations

import logging

from shared.runtime.seldom import Seldom


def said(name: str, message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, __file__, 1, message, arguments, None)


class Watch:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_sentence_is_shown_once_in_ten_seconds_whatever_its_arguments() -> None:
    watch = Watch()
    seldom = Seldom("aiokafka", monotonic=watch)
    shown = [seldom.filter(said("aiokafka.conn", "no node %s", number)) for number in range(5)]
    assert shown == [True, False, False, False, False]
    assert seldom.filter(said("aiokafka.conn", "another"))
    watch.now += 10
    again = said("aiokafka.conn", "no node %s", 6)
    assert seldom.filter(again)
    assert again.__dict__["repeated"] == 4


def test_our_own_words_are_never_left_out() -> None:
    seldom = Seldom("aiokafka", monotonic=Watch())
    assert all(seldom.filter(said("shared.runtime.outbox", "the outbox waits")) for _ in range(5))


def test_what_is_remembered_is_bounded() -> None:
    seldom = Seldom("aiokafka", monotonic=Watch())
    for number in range(2000):
        seldom.filter(said("aiokafka", f"made up {number}"))
    assert len(seldom._said) <= 501
