"""A deck plan that is open hears within two seconds that a cabin was taken, from a server of several processes."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.proofs.customer import Customer
from tests.proofs.processes import ROOT, Portal, portal, status

pytestmark = [pytest.mark.once, pytest.mark.browser]

SAILING = "PV24-05"
PLAN = f"/en/cruises/{SAILING}/deck-plan"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("live")
    with portal(folder, RATELIMIT_ENABLED="0", DATABASE_URL="", REDIS_URL="") as started:
        started.flask("setup", str(ROOT / "portal" / "catalogue" / "facts" / "season_2024.json"))
        started.start(worker=False, sandbox=False)
        yield started


def test_two_windows_see_within_two_seconds_what_one_of_them_takes(chromium: Any, running: Portal) -> None:
    looks, takes = (chromium.new_context(base_url=running.url, locale="en-GB").new_page() for _ in range(2))
    looks.goto(PLAN)
    cabin = looks.locator(".cabins a[href='cabins/305']")
    expect(cabin).to_have_count(1)
    takes.goto(f"/en/cruises/{SAILING}/cabins/305")

    takes.locator("main form button[type=submit]:not([formnovalidate])").click()
    takes.wait_for_url("**/holds/*/passengers")

    expect(looks.locator(".cabins a.held title")).to_have_text(
        "Cabin 305, Standard, balcony, held by another guest", timeout=2000
    )
    expect(cabin).to_have_count(0)
    expect(looks.locator("[data-announce]")).to_contain_text("305")
    looks.context.close()
    takes.context.close()


def test_many_open_plans_hear_the_same_and_keep_no_thread_of_the_server(running: Portal) -> None:
    """More plans than the server has threads, and it still answers."""
    command = [sys.executable, "-m", "scripts.bench_load"]
    job = {"job": "plans", "portal": running.url, "sailing": SAILING, "count": 60, "cabins": ["307", "309"], "every": 3}
    loaded = subprocess.run(command, cwd=ROOT, input=json.dumps(job) + "\n", capture_output=True, text=True, check=True)

    *_, last = loaded.stdout.splitlines()
    answer = json.loads(last)
    assert answer["open"] == 60
    assert answer["slowest"] < 2


def test_a_reader_who_goes_away_is_forgotten_and_the_next_is_told_everything(running: Portal) -> None:
    with closing(Customer(running.url)) as guest:
        guest.hold(SAILING, "311")
    for _ in range(3):
        first_event(running)

    assert first_event(running)["taken"]["311"] == "held"
    assert status(running.port, "/healthz") == 200


def first_event(running: Portal) -> Any:
    host = f"127.0.0.1:{running.port}"
    with closing(socket.create_connection(("127.0.0.1", running.port), timeout=5)) as connection:
        connection.sendall(f"GET {PLAN}/live HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        received, until = b"", time.monotonic() + 5
        while b"\ndata: " not in received and time.monotonic() < until:
            received += connection.recv(65536)
    return json.loads(received.partition(b"\ndata: ")[2].partition(b"\n")[0])
