"""Events of a payment provider a second that the webhook takes; alone by `python -m scripts.bench_intake`."""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path
from typing import Protocol

from tests import services
from tests.proofs.processes import Portal, portal

ROUNDS = 3
SECONDS = 1.5
CONNECTIONS = 8
GOAL = 500


class Load(Protocol):
    """The load generator of the bench."""

    def do(self, job: str, **arguments: object) -> dict[str, float]: ...


def intake_rate(running: Portal, load: Load) -> float:
    """Events a second that were stored and acknowledged, the median of some rounds; the worker runs beside."""
    secret = json.loads((running.folder / "secrets.json").read_text())["STRIPE_WEBHOOK_SECRET"]
    asked = {"portal": running.url, "secret": secret, "seconds": SECONDS, "connections": CONNECTIONS}
    load.do("events", **asked, round=0)  # every process has seen one before anything is measured
    return statistics.median(load.do("events", **asked, round=number + 1)["rate"] for number in range(ROUNDS))


def main() -> int:
    from scripts.bench import LoadGenerator

    load = LoadGenerator()
    slow = 0
    try:
        with tempfile.TemporaryDirectory(prefix="portal-intake-") as folder, services.running(durable=True) as servers:
            postgresql = {"DATABASE_URL": servers["TEST_POSTGRES_URL"], "REDIS_URL": f"{servers['TEST_REDIS_URL']}/0"}
            for database, settings in (("SQLite", {"DATABASE_URL": "", "REDIS_URL": ""}), ("PostgreSQL", postgresql)):
                here = Path(folder) / database
                here.mkdir()
                with portal(here, RATELIMIT_ENABLED="0", **settings) as running:
                    running.flask("db", "upgrade")
                    running.start()
                    rate = intake_rate(running, load)
                    print(f"{database}: {rate:.0f} events/s, goal {GOAL}")
                    slow += rate < GOAL
    finally:
        load.close()
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
