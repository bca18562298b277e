"""`python -m sandbox --port 8001`: the sandbox under gunicorn, one process with threads."""

import argparse
import os
import sys

from sandbox.config import SandboxForbidden, SandboxMisconfigured, read_config

THREADS = 8


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A stand-in for Stripe; no real money.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    arguments = parser.parse_args()
    try:
        read_config()
    except (SandboxForbidden, SandboxMisconfigured) as refusal:
        sys.exit(str(refusal))
    # In place of this process, so that Ctrl-C and kill reach the server itself.
    server = [sys.executable, "-m", "gunicorn", "--bind", f"{arguments.host}:{arguments.port}"]
    server += ["--workers", "1", "--worker-class", "gthread", "--threads", str(THREADS)]
    server += ["--graceful-timeout", "5", "--no-control-socket", "--log-level", "warning", "sandbox:create_sandbox()"]
    os.execv(sys.executable, server)


if __name__ == "__main__":
    main()
