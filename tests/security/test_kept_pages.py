"""What one visitor was shown reaches another only where it is the same for both."""

from __future__ import annotations

from runpy import run_path
from typing import TYPE_CHECKING

from portal.config import ROOT
from tests.factories import make_season

if TYPE_CHECKING:
    from tests.browser import Browser


def test_a_page_kept_ready_under_another_root_is_shown_to_nobody_else(browser: Browser) -> None:
    make_season()

    browser.open("/en/cruises", environ_overrides={"SCRIPT_NAME": "//evil.example"})

    assert "evil.example" not in browser.open("/en/cruises").text


def test_the_server_believes_no_visitor_about_its_own_root() -> None:
    settings = run_path(str(ROOT / "scripts" / "gunicorn.conf.py"))

    assert settings["forwarder_headers"] == ""
