"""Where the sandbox starts and where it refuses to."""

import os
import subprocess
import sys

import httpx
import pytest

from sandbox import SandboxConfig, SandboxForbidden, SandboxMisconfigured, create_sandbox, read_config
from tests.sandbox.server import wait_until

pytestmark = pytest.mark.once


def test_it_never_starts_in_production(monkeypatch, tmp_path):
    monkeypatch.setenv("PORTAL_ENV", "production")

    with pytest.raises(SandboxForbidden):
        create_sandbox(SandboxConfig(database=tmp_path / "sandbox.db"))

    assert not (tmp_path / "sandbox.db").exists()


def test_an_address_for_events_needs_a_secret():
    with pytest.raises(SandboxMisconfigured, match="SANDBOX_WEBHOOK_SECRET"):
        read_config({"SANDBOX_WEBHOOK_URL": "http://127.0.0.1:8000/webhooks/stripe"})


def test_the_command_says_in_one_sentence_why_it_does_not_start():
    process = subprocess.run(
        [sys.executable, "-m", "sandbox"], env=os.environ | {"PORTAL_ENV": "production"}, capture_output=True, text=True
    )

    assert process.returncode == 1
    assert process.stderr == "The payment sandbox never runs in production: PORTAL_ENV is 'production'.\n"


def test_the_command_starts_a_server_that_stops_when_told(tmp_path, free_port):
    environment = os.environ | {"SANDBOX_DATA": str(tmp_path / "sandbox.db"), "SANDBOX_MAIL": str(tmp_path)}

    process = subprocess.Popen([sys.executable, "-m", "sandbox", "--port", str(free_port)], env=environment)
    try:
        wait_until(lambda: _answers(free_port), seconds=30)
    finally:
        process.terminate()

    assert process.wait(timeout=30) == 0


def _answers(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
    except httpx.TransportError:
        return False
