"""Messages in the right order: after the state of an experiment come frames of that experiment, and no older ones."""

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("starlette", reason="the extra lab is not installed")
pytest.importorskip("uvicorn", reason="the extra lab is not installed")

from tinygrad_init.laboratory.messages import protocol
from tinygrad_init.laboratory.messages.message_schema import Invalid
from tinygrad_init.laboratory.serving.server import Outbox
from tinygrad_init.laboratory.serving.session import Visit


@dataclass(frozen=True)
class Said:
    """A message with its number, and how many states were said before."""

    type: str
    number: int
    states: int


@given(st.lists(st.sampled_from(["frame", "state", "error", "progress", "take", "take"]), max_size=30))
def test_what_waits_for_a_page(events: list[str]) -> None:
    """Whenever a page reads: no frame comes behind a later state, nothing else is lost, and the newest frame is not."""

    async def exchange() -> tuple[list[Any], list[Any]]:
        outbox = Outbox(asyncio.get_running_loop())
        put: list[Said] = []
        taken: list[Any] = []

        async def take_all(most: int) -> None:
            for _ in range(most):
                if not outbox.messages and outbox.frame is None:
                    break
                taken.append(json.loads(await asyncio.wait_for(outbox.take(), 10)))

        for number, event in enumerate(events):
            if event == "take":
                await take_all(1)
                continue
            put.append(Said(event, number, sum(said.type == "state" for said in put)))
            outbox.put(put[-1])
            await asyncio.sleep(0)  # the loop hears of it
        await take_all(len(put))
        return put, taken

    put, taken = asyncio.run(exchange())
    seen = 0
    for message in taken:
        if message["type"] == "frame":
            assert message["states"] == seen, "a frame of another experiment"
        seen += message["type"] == "state"
    frames = [message["number"] for message in taken if message["type"] == "frame"]
    assert frames == sorted(set(frames))
    others = [message["number"] for message in taken if message["type"] != "frame"]
    assert others == [said.number for said in put if said.type != "frame"]
    newest = [said for said in put if said.type == "frame" and said.states == seen]
    assert not newest or frames[-1] == newest[-1].number


WIDTHS = [1, 2, 3]
commands = st.one_of(
    st.tuples(st.just("configure"), st.sampled_from(WIDTHS), st.sampled_from([0, 0, 3])),
    st.tuples(st.just("select"), st.sampled_from([0, 1]), st.sampled_from([0, 1])),
    st.sampled_from(
        [("play", 0), ("play", 2), ("step", 3), ("seek", 1), ("pause",), ("rewind",), ("work",), ("work",)]
    ),
)


def parsed(command: Any) -> Any:
    kind, *values = command
    fields = {
        "configure": lambda: {"config": {"layers": [values[0]] * values[0]}, "step": values[1]},
        "select": lambda: {"layer": values[0], "unit": values[1] and None},
        "play": lambda: {"steps_per_frame": values[0]},
        "step": lambda: {"steps": values[0]},
        "seek": lambda: {"step": values[0]},
    }.get(kind, dict)()
    return protocol.parse(json.dumps({"type": kind, **fields}))


def answer(visit: Visit) -> None:
    """Work until the frame that is due has been told: on a busy machine two steps may take more than one turn."""
    while visit.answer_due:
        visit.work()


@settings(max_examples=25)
@given(st.lists(commands, min_size=3, max_size=12), st.sampled_from([0, 0, 2]))
def test_a_visit_forgets_what_was_before(given: list[Any], step: int) -> None:
    """Whatever it was doing: it stops playing, and looks at nothing that was chosen in the experiment before."""
    said: list[Any] = []
    visit = Visit(said.append)
    for command in [("configure", 2, 0), *given, ("configure", 3, step)]:
        with contextlib.suppress(Invalid):  # what was chosen may not be there; a visit says so and goes on
            visit.work() if command[0] == "work" else visit.handle(parsed(command))
    before = len(said)
    assert said[-1].type == "state"
    assert not visit.playing and visit.goal == step and visit.answer_due and visit.selected == protocol.Select("select")
    answer(visit)
    (frame,) = said[before:]
    assert frame.type == "frame" and frame.step == step and not frame.playing
    fresh: list[Any] = []
    other = Visit(fresh.append)
    other.handle(parsed(("configure", 3, step)))
    answer(other)
    assert len(frame.runs) == 1 and len(frame.runs[0].layers) == len(fresh[-1].runs[0].layers)
    assert frame == fresh[-1]
    visit.leave()
    other.leave()


def test_of_changes_that_follow_each_other_only_the_last_is_made() -> None:
    """As when somebody drags a slider: what comes between has no state and no frame."""
    said: list[Any] = []
    visit = Visit(said.append)
    for width in (1, 2):
        visit.commands.put(parsed(("configure", width, 0)))
    visit.handle(visit.commands.get())
    assert said == [] and visit.experiment is None
    visit.handle(visit.commands.get())
    assert [message.type for message in said] == ["state"]
    visit.leave()
