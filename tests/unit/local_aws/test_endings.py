"""Who waits for work is woken at its end, and nobody else is."""

from __future__ import annotations

import threading

from local_aws.endings import Endings
from tests.waiting import SECONDS


class Counted(threading.Event):
    """An event that counts how often it was set."""

    times = 0

    def set(self) -> None:
        self.times += 1
        super().set()


def test_all_that_wait_for_the_work_are_woken_and_no_others() -> None:
    endings, events = Endings(), [Counted(), Counted(), Counted()]
    with endings.waking("a", events[0]), endings.waking("a", events[1]), endings.waking("b", events[2]):
        endings.tell("a")
        endings.tell("unknown")
    assert [event.times for event in events] == [1, 1, 0]
    assert not events[0].is_set()  # it is only a sign: the next wait waits


def test_nobody_is_woken_who_waits_no_more() -> None:
    endings, event = Endings(), Counted()
    with endings.waking("a", event):
        pass
    endings.tell("a")
    assert event.times == 0


def test_what_is_told_wakes_who_waits_in_another_thread() -> None:
    endings, event, woken = Endings(), threading.Event(), threading.Event()

    def wait() -> None:
        with endings.waking("a", event):
            if event.wait(SECONDS):
                woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    while thread.is_alive():
        endings.tell("a")
    assert woken.is_set()
