"""The demonstration's own time: it ticks on from the start of the sale of the 2024 season."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask

from portal.kernel.clock import OFFICE_ZONE, real_now, shift_business_time

OPENING = datetime(2024, 2, 15, 9, tzinfo=ZoneInfo(OFFICE_ZONE))
FILE = "clock.json"


def start_clock(app: Flask) -> None:
    """Shift business time as the data folder says; in production it is real time."""
    if app.config["PORTAL_ENV"] == "production":
        shift_business_time(timedelta(0))
        return
    shift_business_time(_kept_shift(app.config["PORTAL_DATA"] / FILE))


def _kept_shift(path: Path) -> timedelta:
    """The shift is made when the demonstration first starts, and kept: time goes on over restarts."""
    try:
        return timedelta(seconds=json.loads(path.read_text())["shift_seconds"])
    except FileNotFoundError:
        shift = OPENING - real_now()
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"shift_seconds": shift.total_seconds()}))
        try:
            os.link(draft, path)
        except FileExistsError:
            return timedelta(seconds=json.loads(path.read_text())["shift_seconds"])
        finally:
            draft.unlink()
        return shift
