"""Measure the portal: `make bench` prints figures taken in one run and writes bench.json.

Each figure that has to do with speed is a ratio or a rate of which five rounds are taken, in turn with what it is
compared to, so that whatever else the machine does meets both; the median counts.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scripts import bench_data
from scripts.bench_apps import STATEMENTS
from scripts.bench_intake import GOAL as INTAKE_GOAL
from scripts.bench_intake import intake_rate
from scripts.bench_papers import CHANCES_GOAL, CHECKLIST_GOAL
from scripts.bench_papers import measure as papers
from scripts.bench_pricing import quote_milliseconds
from scripts.bench_transfers import LINES
from scripts.bench_transfers import measure as transfers
from tests import services
from tests.proofs.customer import Customer
from tests.proofs.processes import ROOT, Portal, free_port, portal, status, wait_for

ROUNDS = 5
PAGE_SECONDS = 0.8
CONNECTIONS = 8  # as many as the server has threads
BOOKING_SECONDS = 3.0
CLIENTS = (1, 8, 16)
RACERS, RACES = 100, 3
REFUSAL = "Someone has just taken this cabin"
SEASON = ROOT / "portal" / "catalogue" / "facts" / "season_2024.json"
RESULTS = ROOT / "bench.json"
# Address, name, share of the ceiling that is to be reached.
PAGES = (
    ("/ru/cruises", "Cruise list", 0.5),
    ("/ru/cruises/PV24-02", "Cruise page", 0.5),
    ("/ru/cruises/PV24-02/deck-plan", "Deck plan", 0.3),
)
MOST_STATEMENTS = 8
QUOTE_GOAL = 1  # millisecond
STATEMENT_GOAL = 10  # seconds
INVOICE_GOAL = 50  # milliseconds
COUNTED_SAILING = "PV24-05"
PLANS = 500
PLAN_SECONDS, PLAN_REST_SECONDS = 3, 12
PLAN_CABINS = range(325, 329)  # taken one after the other while plans of their sailing are open
SIZES = (16, 1_000, 10_000)  # sailings, each with 100 bookings
SIZE_SECONDS = 0.4


@dataclass(frozen=True)
class Figure:
    """One line of bench.json. `value` is None where it was not measured; `met` is None where there is no goal."""

    name: str
    value: float | None
    unit: str
    goal: str | None = None
    met: bool | None = None


class LoadGenerator:
    """The process that plays the visitors."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "scripts.bench_load"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, job: str, **arguments: Any) -> Any:
        assert self._process.stdin is not None
        print(json.dumps({"job": job, **arguments}), file=self._process.stdin, flush=True)
        return self.hear(job)

    def hear(self, job: str) -> Any:
        """The answer of a job, or the next one where it gives several."""
        assert self._process.stdout is not None
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(f"{job}: {answer['error']}")
        return answer

    def close(self) -> None:
        self._process.communicate()


def main() -> int:
    began = time.monotonic()
    print(versions(), flush=True)
    figures: list[Figure] = []
    quote, title = quote_milliseconds(), "Price of a party of four by the rules alone"
    figures.append(Figure(title, quote, "ms", f"≤ {QUOTE_GOAL}", quote <= QUOTE_GOAL))
    chances, checklists = papers()
    title = "What 16 sailings can still be for a party of four, as one request"
    figures.append(Figure(title, chances, "ms", f"≤ {CHANCES_GOAL}", chances <= CHANCES_GOAL))
    title = "Checklists of a full ship of 310 through five countries, worked out and written anew"
    figures.append(Figure(title, checklists, "s", f"≤ {CHECKLIST_GOAL}", checklists <= CHECKLIST_GOAL))
    seconds, paper = transfers()
    title = f"Statement of {LINES} lines of the bank, read, matched and stored"
    figures.append(Figure(title, seconds, "s", f"< {STATEMENT_GOAL}", seconds < STATEMENT_GOAL))
    title = "Invoice as PDF with its payment code"
    figures.append(Figure(title, paper, "ms", f"< {INVOICE_GOAL}", paper < INVOICE_GOAL))
    with ExitStack() as stack:
        load = LoadGenerator()
        stack.callback(load.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
        on_sqlite(folder / "sqlite", load, figures)
        measure_sizes(folder, load, figures)
        if services.postgresql_folder() and services.redis_program():
            with services.running(durable=True) as servers:
                on_postgresql(folder / "postgresql", servers, load, figures)
        else:
            print("PostgreSQL and Redis are not installed here: their figures are not measured.")
            figures += [Figure(name, None, unit, goal) for name, unit, goal in selling_figures("PostgreSQL")]
    RESULTS.write_text(json.dumps([asdict(figure) for figure in figures], indent=2, ensure_ascii=False) + "\n")
    print(table(figures))
    print(f"\n{time.monotonic() - began:.0f} s; written to {RESULTS.relative_to(ROOT)}.")
    return 1 if any(figure.met is False for figure in figures) else 0


def on_sqlite(folder: Path, load: LoadGenerator, figures: list[Figure]) -> None:
    folder.mkdir()
    with portal(folder, RATELIMIT_ENABLED="0", DATABASE_URL="", REDIS_URL="") as running:
        prepare(running)
        with (
            serving(running, "scripts.bench_apps:plain()", "plain") as plain,
            serving(running, "scripts.bench_apps:counted()", "counted") as counted,
        ):
            measure_pages(running.url, plain, counted, load, figures)
            measure_statements(running, counted, figures)
        measure_plans(running, load, figures)
        measure_selling("SQLite", running, load, figures)
        measure_intake("SQLite", running, load, figures)


def on_postgresql(folder: Path, servers: dict[str, str], load: LoadGenerator, figures: list[Figure]) -> None:
    folder.mkdir()
    settings = {"DATABASE_URL": servers["TEST_POSTGRES_URL"], "REDIS_URL": f"{servers['TEST_REDIS_URL']}/0"}
    with portal(folder, RATELIMIT_ENABLED="0", **settings) as running:
        prepare(running)
        measure_selling("PostgreSQL", running, load, figures)
        measure_intake("PostgreSQL", running, load, figures)


def prepare(running: Portal) -> None:
    """The portal as `make run` fills it, and started."""
    print(f"{running.folder.name}: preparing ...", flush=True)
    running.flask("setup", str(SEASON))
    running.start()


def measure_plans(running: Portal, load: LoadGenerator, figures: list[Figure]) -> None:
    """What open deck plans cost the server while nothing else goes on, and how soon they show that a cabin is taken."""
    print(f"{PLANS} open deck plans ...", flush=True)
    asked = {"portal": running.url, "sailing": COUNTED_SAILING, "every": PLAN_SECONDS}
    load.do("plans", **asked, count=PLANS, cabins=[], rest=PLAN_REST_SECONDS)
    began, spent = time.monotonic(), processor_seconds(running.web.children())
    load.hear("plans")
    share = (processor_seconds(running.web.children()) - spent) / (time.monotonic() - began)
    load.do("plans", **asked, count=PLANS, cabins=[f"{number}" for number in PLAN_CABINS], rest=0)
    slowest = load.hear("plans")["slowest"]
    title = f"Processor of the server for {PLANS} open deck plans"
    figures.append(Figure(title, 100 * share, "% of a core", "< 5", share < 0.05))
    title = f"Until the last of {PLANS} plans shows that a cabin is taken"
    figures.append(Figure(title, slowest, "s", "≤ 2", slowest <= 2))


def processor_seconds(processes: list[int]) -> float:
    """Spent so far by these processes, for themselves and for the system."""
    ticks = os.sysconf("SC_CLK_TCK")
    stats = (Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split() for number in processes)
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / ticks


def measure_sizes(folder: Path, load: LoadGenerator, figures: list[Figure]) -> None:
    """The time of a page rendered afresh with so many sailings, by that with the season alone."""
    with ExitStack() as stack:
        servers = {}
        for size in SIZES:
            here = folder / f"sailings-{size}"
            here.mkdir()
            running = stack.enter_context(portal(here, RATELIMIT_ENABLED="0", DATABASE_URL="", REDIS_URL=""))
            print(f"{size} sailings ...", flush=True)
            running.flask("setup", str(SEASON))
            filling = [sys.executable, "-m", "scripts.bench_sizes", str(size)]
            subprocess.run(filling, cwd=ROOT, env=running.environment, check=True)
            running.environment["WEB_PROCESSES"] = "1"
            servers[size] = stack.enter_context(serving(running, "scripts.bench_apps:counted()", "counted"))
        times: dict[tuple[str, int], list[float]] = {(path, size): [] for path, _, _ in PAGES for size in SIZES}
        afresh = {"X-Afresh": "1"}
        for server in servers.values():
            for path, _, _ in PAGES:
                load.do("pages", url=server + path, seconds=1, connections=1, headers=afresh)
        for _ in range(2 * ROUNDS):
            for path, size in times:
                rate = load.do("pages", url=servers[size] + path, seconds=SIZE_SECONDS, connections=1, headers=afresh)
                times[path, size].append(1 / rate["rate"])
    for path, name, _ in PAGES:
        least, *larger = (statistics.median(times[path, size]) for size in SIZES)
        for size, took in zip(SIZES[1:], larger, strict=True):
            title = f"{name} rendered afresh with {size} sailings and {100 * size} bookings ÷ with {SIZES[0]} sailings"
            figures.append(Figure(title, took / least, "ratio", "≤ 1.2", took / least <= 1.2))


@contextmanager
def serving(running: Portal, application: str, name: str) -> Iterator[str]:
    """Another server with the same settings and the same database, at an address of its own."""
    port = free_port()
    process = running.serve(application, name, PORT=str(port), PUBLIC_URL=running.url)
    process.start()
    try:
        wait_for(lambda: status(port, "/healthz") is not None, f"{name} answers", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop()


def measure_pages(portal_url: str, plain: str, counted: str, load: LoadGenerator, figures: list[Figure]) -> None:
    """Requests a second of a new visitor, by those of a plain page of the same size."""
    print("Pages ...", flush=True)
    ready: dict[str, list[float]] = {name: [] for _, name, _ in PAGES}
    afresh: dict[str, list[float]] = {name: [] for _, name, _ in PAGES}
    rates: dict[str, list[float]] = {name: [] for _, name, _ in PAGES}
    ceilings: dict[str, list[float]] = {name: [] for _, name, _ in PAGES}
    head_room: list[float] = []
    sizes = {}

    def ask(url: str, **more: Any) -> Any:
        return load.do("pages", url=url, seconds=PAGE_SECONDS, connections=CONNECTIONS, **more)

    for path, name, _ in PAGES:
        # Every process of each server has seen its page once before anything is measured.
        sizes[name] = load.do("pages", url=portal_url + path, seconds=1, connections=CONNECTIONS)["bytes"]
        load.do("pages", url=f"{plain}/page/{sizes[name]}", seconds=1, connections=CONNECTIONS)
    for _ in range(ROUNDS):
        for path, name, _ in PAGES:
            ceiling = ask(f"{plain}/page/{sizes[name]}")
            shown = ask(portal_url + path)
            rendered = ask(counted + path, headers={"X-Afresh": "1"})
            assert ceiling["bytes"] == shown["bytes"] == rendered["bytes"]
            ceilings[name].append(ceiling["rate"])
            rates[name].append(shown["rate"])
            ready[name].append(shown["rate"] / ceiling["rate"])
            afresh[name].append(rendered["rate"] / ceiling["rate"])
            head_room.append(ask(f"{plain}/bytes/{sizes[name]}")["rate"] / max(shown["rate"], ceiling["rate"]))
    for _, name, goal in PAGES:
        ratio = statistics.median(ready[name])
        title = f"{name} for a new visitor ÷ plain page of the same size"
        figures.append(Figure(title, ratio, "ratio", f"≥ {goal}", ratio >= goal))
    for _, name, _ in PAGES:
        figures.append(
            Figure(f"{name} rendered afresh each time ÷ plain page", statistics.median(afresh[name]), "ratio")
        )
    for _, name, _ in PAGES:
        figures.append(Figure(f"{name}, {sizes[name]} bytes", statistics.median(rates[name]), "requests/s"))
        figures.append(Figure(f"Plain page of {sizes[name]} bytes", statistics.median(ceilings[name]), "requests/s"))
    figures.append(
        Figure(
            "Constant bytes from the same server ÷ the quicker of the two: room the load generator leaves",
            statistics.median(head_room),
            "ratio",
            "≥ 1.2",
            statistics.median(head_room) >= 1.2,
        )
    )


def measure_statements(running: Portal, counted: str, figures: list[Figure]) -> None:
    """SQL statements of each page, with one season and few bookings, then with ten seasons and many."""
    print("Statements ...", flush=True)
    few = statements(counted, running.folder, passengers=1)
    seasons = running.folder / "seasons"
    seasons.mkdir()
    bench_data.write_seasons(seasons)
    running.flask("season", "load", str(seasons / "seasons.json"))
    subprocess.run(
        [sys.executable, "-m", "scripts.bench_data"], cwd=ROOT, env=running.environment, check=True
    )
    many = statements(counted, running.folder, passengers=3)
    for name, count in many.items():
        figures.append(
            Figure(f"Statements: {name}", count, "statements", f"≤ {MOST_STATEMENTS}", count <= MOST_STATEMENTS)
        )
    for name, count in many.items():
        if count != few[name]:
            print(f"{name}: {few[name]} statements at 16 sailings, {count} at 160.")
    differ = sum(count != few[name] for name, count in many.items())
    title = "Pages whose statements differ at 16 and at 160 sailings with many bookings"
    figures.append(Figure(title, differ, "pages", "0", differ == 0))


def statements(counted: str, folder: Path, passengers: int) -> dict[str, int]:
    """By page; each is rendered afresh."""
    found: dict[str, int] = {}

    class Counting(Customer):
        def get(self, url: str) -> Any:
            return self._request("GET", url, None, {"X-Afresh": "1"})

    def note(name: str, customer: Customer, path: str) -> None:
        answer = customer.get(path)
        assert answer.status == 200, (path, answer.status)
        found[name] = int(answer.headers[STATEMENTS])

    guest = Counting(counted)
    cabin = "403" if passengers > 2 else "404"  # both sleep three
    sailing = f"/en/cruises/{COUNTED_SAILING}"
    note("home", guest, "/en/")
    note("cruise list", guest, "/en/cruises")
    note("cruise page", guest, sailing)
    note("deck plan", guest, f"{sailing}/deck-plan")
    note("cabin page", guest, f"{sailing}/cabins/{cabin}")
    hold = guest.hold(COUNTED_SAILING, cabin, passengers)
    note("passengers", guest, f"/en/holds/{hold}/passengers")
    guest.name(hold, passengers)
    note("review", guest, f"/en/holds/{hold}/review")
    reference = guest.place(hold)
    note("choice of payment", guest, f"/en/bookings/{reference}/pay")
    back = urlsplit(guest.pay_at_provider(guest.open_checkout(reference)))
    guest.await_confirmation(reference, f"{back.path}?{back.query}")  # at this server, not at the portal's address
    # Written after the checklist, which is one statement more to read.
    wait_for(lambda: voucher_sent(folder / "mail", reference), "the voucher is sent")
    note("booking page", guest, f"/en/bookings/{reference}")
    note("papers page", guest, f"/en/bookings/{reference}/papers")
    accounts = {entry["role"]: entry for entry in json.loads((folder / "demonstration.json").read_text())}
    for role, name, path in (
        ("operator", "staff: sailings", "/en/staff/sailings"),
        ("operator", "staff: bookings", "/en/staff/bookings"),
        ("reviewer", "staff: review queue", "/en/staff/reviews"),
    ):
        member = Counting(counted)
        account = accounts[role]
        member.fill_in("/en/sign-in", {"email": account["email"], "password": account["password"]})
        note(name, member, path)
    return found


def voucher_sent(mail: Path, reference: str) -> bool:
    return any(f"voucher-{reference}" in letter.read_text(errors="replace") for letter in mail.glob("*.eml"))


def selling_figures(database: str) -> list[tuple[str, str, str | None]]:
    """Name, unit and goal of what `measure_selling` measures."""
    return [
        *((f"Bookings through HTTP on {database}, {clients} at a time", "bookings/s", None) for clients in CLIENTS),
        (f"Bookings on {database} that failed", "bookings", "0"),
        (f"Winners of {RACERS} clients racing for one cabin on {database}", "winners", "1"),
        (f"Polite refusals of the same race on {database}", "refusals", str(RACERS - 1)),
        (f"Server errors while selling on {database}", "answers", "0"),
        (intake_title(database), "events/s", f"≥ {INTAKE_GOAL}"),
    ]


def intake_title(database: str) -> str:
    return f"Events of a payment provider stored and acknowledged on {database}"


def measure_intake(database: str, running: Portal, load: LoadGenerator, figures: list[Figure]) -> None:
    print(f"Events on {database} ...", flush=True)
    rate = intake_rate(running, load)
    figures.append(Figure(intake_title(database), rate, "events/s", f"≥ {INTAKE_GOAL}", rate >= INTAKE_GOAL))


def measure_selling(database: str, running: Portal, load: LoadGenerator, figures: list[Figure]) -> None:
    """Bookings a second from the cabin's page to the confirmed booking, and the race for one cabin."""
    print(f"Selling on {database} ...", flush=True)
    places = free_places()
    raced = [places.pop() for _ in range(RACES)]
    rates: dict[int, list[float]] = {clients: [] for clients in CLIENTS}
    failures: list[str] = []
    faults = booked = 0
    load.do("bookings", portal=running.url, clients=4, seconds=1, places=[places.pop() for _ in range(100)])
    for _ in range(ROUNDS):
        for clients in CLIENTS:
            done = load.do(
                "bookings", portal=running.url, clients=clients, seconds=BOOKING_SECONDS, places=places
            )
            places = done["left"]
            rates[clients].append(done["rate"])
            failures += done["failures"]
            faults += done["faults"]
            booked += done["booked"]
    winners, refusals = [], []
    for sailing, cabin in raced:
        outcome = load.do(
            "race", portal=running.url, clients=RACERS, sailing=sailing, cabin=cabin, refusal=REFUSAL
        )["outcomes"]
        winners.append(outcome.get("won", 0))
        refusals.append(outcome.get("refused", 0))
        faults += sum(count for name, count in outcome.items() if name.startswith("5"))
        if outcome != {"won": 1, "refused": RACERS - 1}:
            print(f"A race on {database} ended otherwise: {outcome}")
    for failure in failures[:5]:
        print(f"A booking on {database} failed: {failure}")
    values = [
        *(statistics.median(rates[clients]) for clients in CLIENTS),
        len(failures),
        # Of the three races the one that went worst.
        max(winners, key=lambda count: abs(count - 1)),
        min(refusals),
        faults,
    ]
    for (name, unit, goal), value in zip(selling_figures(database)[: len(values)], values, strict=True):
        figures.append(Figure(name, value, unit, goal, None if goal is None else value == int(goal)))


def free_places() -> list[list[str]]:
    """Sailing and cabin of everything on sale, sailings in turn, so that no ship is full before the others."""
    facts = json.loads((SEASON.parent / "ship.json").read_text(encoding="utf-8"))
    season = json.loads(SEASON.read_text(encoding="utf-8"))
    numbers = sorted(cabin["number"] for cabin in facts["cabins"])
    return [
        [sailing["code"], number]
        for number in numbers[bench_data.CABINS_TAKEN :]
        for sailing in season["sailings"]
        if sailing["code"] != COUNTED_SAILING
    ]


def table(figures: list[Figure]) -> str:
    width = max(len(figure.name) for figure in figures)
    lines = []
    for figure in figures:
        shown = "not measured" if figure.value is None else f"{figure.value:.4g}"
        goal = "" if figure.goal is None else f"  goal {figure.goal}"
        met = {None: "", True: "  met", False: "  MISSED"}[figure.met]
        lines.append(f"{figure.name:<{width}}  {shown:>12} {figure.unit}{goal}{met}")
    return "\n".join(lines)


def versions() -> str:
    """What was measured, with what."""
    packages = ("flask", "jinja2", "sqlalchemy", "gunicorn", "psycopg")
    listed = [f"{name} {version(name)}" for name in packages]
    programs = [["git", "log", "-1", "--format=portal %h"]]
    if folder := services.postgresql_folder():
        programs.append([str(folder / "postgres"), "--version"])
    if redis := services.redis_program():
        programs.append([redis, "--version"])
    for program in programs:
        if shutil.which(program[0]):
            done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True)
            listed.append(done.stdout.strip().partition(" sha=")[0])
    python = f"Python {platform.python_version()}"
    return ", ".join([python, f"SQLite {sqlite3.sqlite_version}", *filter(None, listed)])


if __name__ == "__main__":
    raise SystemExit(main())
