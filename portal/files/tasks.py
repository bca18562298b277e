"""What the worker does for stored files: asks the virus scanner again, and takes away what was to go."""

from portal.files.services import erase_purged, scan_waiting
from portal.kernel.clock import now
from portal.outbox.jobs import each_minute


@each_minute
def look_again() -> None:
    scan_waiting(now())


@each_minute
def finish_erasing() -> None:
    erase_purged(now())
