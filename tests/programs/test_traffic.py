"""Who may be on the way: runs of any thread, but none of another one while a thread captures."""

from __future__ import annotations

import threading

from tinygrad_init.programs.traffic import Traffic


def test_a_capture_waits_for_runs() -> None:
    traffic, captured = Traffic(), threading.Event()
    traffic.running = 1

    def capture() -> None:
        assert not traffic.stop()
        captured.set()
        traffic.go_on(nested=False)

    other = threading.Thread(target=capture)
    other.start()
    assert not captured.wait(0.05)
    with traffic.changed:
        traffic.running = 0
        traffic.changed.notify_all()
    other.join(10)
    assert captured.is_set() and traffic.capturing == 0


def test_the_end_of_a_capture_inside_another_is_not_the_end() -> None:
    traffic = Traffic()
    assert not traffic.stop()
    assert traffic.stop()
    traffic.go_on(nested=True)
    assert traffic.capturing == threading.get_ident()
    traffic.go_on(nested=False)
    assert traffic.capturing == 0


def test_a_child_process_knows_only_its_own_capture() -> None:
    """What another thread was capturing at the fork is forgotten; what this one was is not."""
    traffic = Traffic()
    traffic.running, traffic.capturing, era = 3, threading.get_ident(), traffic.era
    traffic.forked()
    assert (traffic.capturing, traffic.running, traffic.era) == (threading.get_ident(), 0, era + 1)
    traffic.capturing = threading.get_ident() + 1
    traffic.forked()
    assert traffic.capturing == 0
