"""The worker process: `python -m portal.worker`."""

import logging

from huey.consumer import Consumer

from portal import create_app
from portal.outbox.jobs import build_queue, run_all


def main() -> None:
    """Run until told to stop; what was owed while no worker ran is done first."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("huey").setLevel(logging.WARNING)
    app = create_app()
    queue = build_queue(app)
    run_all(app)
    Consumer(queue, workers=1, worker_type="thread", initial_delay=0.1, max_delay=0.5, check_worker_health=True).run()


if __name__ == "__main__":
    main()
