"""Settings of all property tests, and what ran where."""

import os
import re
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import tinygrad_init as tgi
from tests.laboratory.lab_page import CHROMIUM, Lab, Server
from tinygrad_init.kernels.backend import kernels

SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", Path(__file__).parent.parent / "build" / "screenshots"))

# Where a result decides about somebody else's work it must be the same each time; everywhere else, look further.
settings.register_profile(
    "tests",
    derandomize=os.environ.get("CI") == "true",
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--sample", metavar="SHARE:SEED", help="run only such a share of the tests, chosen by the seed (0.2:20261129)"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out all but a sample: which tests are in it depends on the seed and their own names alone."""
    if (wanted := config.getoption("--sample")) is None:
        return
    share, _, seed = wanted.partition(":")
    left_out = [item for item in items if zlib.crc32(f"{seed} {item.nodeid}".encode()) >= float(share) * 2**32]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def pytest_report_header() -> str:
    return f"backend: {tgi.BACKEND} ({kernels.ISA})"


@pytest.fixture(scope="module")
def lab_server() -> Iterator[Server]:
    """The Lab's server."""
    pytest.importorskip("uvicorn", reason="the Lab's server needs the extra lab")
    server = Server()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    if tgi.BACKEND != "compiled":
        pytest.skip("the page is the same whatever the backend")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def single_file_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Lab in one file, with what its tests need."""
    from tests.laboratory.single_page import GRID
    from tinygrad_init.laboratory.serving.single_file import MACHINE, single_file

    if not MACHINE.exists():
        pytest.skip("machine.wasm was not built: there is no clang, or no wasm-ld")
    # One for all processes of a run, whose folders lie in one: whoever comes first writes it.
    parallel = "PYTEST_XDIST_WORKER" in os.environ
    folder = tmp_path_factory.getbasetemp().parent if parallel else tmp_path_factory.mktemp("single")
    path, claim = folder / "lab.html", folder / "lab.claimed"
    try:
        claim.touch(exist_ok=False)
    except FileExistsError:
        for _ in range(1200):
            if path.exists():
                return path
            time.sleep(0.1)
        raise
    part = folder / "lab.part"
    part.write_text(single_file(GRID), encoding="utf-8")
    return part.rename(path)


@pytest.fixture
def browser(tmp_path: Path, chromium: Any) -> Iterator[Any]:
    """Opens a page of its own, without a network; errors of its script are errors of the test."""
    context = chromium.new_context(offline=True)
    context.set_default_timeout(10_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    def show(text: str) -> Any:
        file = tmp_path / "page.html"
        file.write_text(text, encoding="utf-8")
        page.goto(file.as_uri())
        return page

    yield show
    context.close()
    assert not errors


@pytest.fixture
def lab(chromium: Any, lab_server: Server, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A page of the Lab; whatever a test does with it, nothing may go wrong or be asked of another machine.

    What it looks like in the end is kept as a picture, for people.
    """
    context = chromium.new_context(viewport={"width": 1400, "height": 900}, locale="en-US")
    lab = Lab(context.new_page(), lab_server)
    yield lab
    name = re.sub(r"[^\w-]+", "-", request.node.name).strip("-")
    lab.page.screenshot(path=SCREENSHOTS / f"{name}.png")
    context.close()
    assert not lab.problems
