"""Settings, read once from the environment; a missing secret stops the start."""

import json
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from portal.kernel.bank_accounts import account_fits, correspondent_fits

ROOT = Path(__file__).parent.parent
SECRETS = ("SECRET_KEY", "DOCUMENT_KEY", "STRIPE_WEBHOOK_SECRET")


class ConfigurationError(Exception):
    """The environment lacks something without which the portal must not start."""


def read_config(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Flask settings from `environ`. Raises ConfigurationError with one sentence."""
    kind = environ.get("PORTAL_ENV", "demonstration")
    if kind not in ("demonstration", "production"):
        raise ConfigurationError(f"PORTAL_ENV is {kind!r}; it may be 'demonstration' or 'production'.")
    folder = Path(environ.get("PORTAL_DATA", ROOT / "instance")).resolve()
    production = kind == "production"
    if not (production and environ.get("REDIS_URL")):  # secrets of the demonstration, or the queue of jobs
        folder.mkdir(parents=True, exist_ok=True)
    own = _production_secrets(environ) if production else _demonstration_secrets(environ, folder)
    port = _whole_number(environ, "PORT", 8000)
    public_url = environ.get("PUBLIC_URL") or f"http://127.0.0.1:{port}"
    sandbox_url = None if production or environ.get("STRIPE_API_KEY") else f"http://127.0.0.1:{port + 1}"
    database = environ.get("DATABASE_URL") or f"sqlite:///{folder / 'portal.db'}"
    return own | {
        "PORTAL_ENV": kind,
        "PORTAL_DATA": folder,
        "PUBLIC_URL": public_url.rstrip("/"),
        "SQLALCHEMY_DATABASE_URI": database,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "connect_args": _patience(database, _whole_number(environ, "DATABASE_TIMEOUT_SECONDS", 20))
        },
        "REDIS_URL": environ.get("REDIS_URL"),
        "FILES_URL": environ.get("FILES_URL") or f"file://{folder / 'files'}",
        "MAIL_URL": environ.get("MAIL_URL") or f"file://{folder / 'mail'}",
        "MAIL_SENDER": environ.get("MAIL_SENDER", "cruises@example.org"),
        "STRIPE_API_KEY": environ.get("STRIPE_API_KEY") or (None if production else "sk_test_sandbox"),
        "STRIPE_API_BASE": environ.get("STRIPE_API_BASE") or sandbox_url,
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "translations"),
        "BABEL_DEFAULT_LOCALE": "ru",
        "RATELIMIT_STORAGE_URI": environ.get("REDIS_URL") or "memory://",
        "RATELIMIT_ENABLED": environ.get("RATELIMIT_ENABLED", "1") != "0",
        "RATELIMIT_HEADERS_ENABLED": True,
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,  # without Redis each process counts by itself
        "PROXIES": _whole_number(environ, "PROXIES", 0),
        "MAX_CONTENT_LENGTH": 16 * 1024 * 1024,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": public_url.startswith("https://"),
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SECURE": public_url.startswith("https://"),
        "PERMANENT_SESSION_LIFETIME": 60 * 60 * 24 * 30,
        "WTF_CSRF_TIME_LIMIT": None,
        "COMPRESS_MIMETYPES": ["text/html", "text/css", "text/plain", "application/json", "text/javascript"],
        # Compressing a streamed file leaves it open until it is collected as garbage.
        "COMPRESS_STREAMS": False,
    }


def _patience(database: str, seconds: int) -> dict[str, Any]:
    """How long to wait for a database that is busy or does not answer, before a person is told so.

    PostgreSQL's own patience would be endless, for a host that is gone as for a row that somebody keeps locked: then
    each thread would wait for it.
    """
    if database.startswith("sqlite"):
        return {"timeout": seconds}
    return {
        "options": f"-c lock_timeout={seconds}s",
        "connect_timeout": min(seconds, 5),
        "tcp_user_timeout": seconds * 1000,
        "keepalives_idle": seconds,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }


def _whole_number(environ: Mapping[str, str], name: str, default: int) -> int:
    given = environ.get(name) or str(default)
    if not given.isdecimal():
        raise ConfigurationError(f"{name} is {given!r}; it must be a whole number.")
    return int(given)


# Who is paid by bank transfer. The account of the demonstration is well-formed and belongs to nobody.
DEMONSTRATION_PAYEE = {
    "name": "ООО «Пример Круиз»",
    "inn": "7700000000",
    "account": "40702810138250123017",
    "bank": "ПАО СБЕРБАНК",
    "bic": "044525225",
    "correspondent": "30101810400000000225",
}


def _production_secrets(environ: Mapping[str, str]) -> dict[str, Any]:
    payee = {key: f"PAYEE_{key.upper()}" for key in DEMONSTRATION_PAYEE}
    needed = (*SECRETS, "DATABASE_URL", "PUBLIC_URL", "MAIL_URL", "MAIL_SENDER", "STRIPE_API_KEY", *payee.values())
    missing = [name for name in needed if not environ.get(name)]
    if missing:
        raise ConfigurationError(f"In production these must be set in the environment: {', '.join(missing)}.")
    own: dict[str, Any] = {name: environ[name] for name in SECRETS}
    return own | {"INVOICE_PAYEE": _checked_payee({key: environ[name] for key, name in payee.items()})}


def _checked_payee(payee: dict[str, str]) -> dict[str, str]:
    """A wrong digit here would send guests' money to strangers: what can be checked is checked."""
    for key, most in (("name", 160), ("bank", 45)):
        if len(payee[key]) > most:
            raise ConfigurationError(f"PAYEE_{key.upper()} is longer than {most} characters.")
    if not re.fullmatch("[0-9]{10}|[0-9]{12}", payee["inn"]):
        raise ConfigurationError(f"PAYEE_INN is {payee['inn']!r}; it has 10 or 12 digits.")
    if not re.fullmatch("[0-9]{9}", payee["bic"]):
        raise ConfigurationError(f"PAYEE_BIC is {payee['bic']!r}; it has 9 digits.")
    if not account_fits(payee["account"], payee["bic"]):
        raise ConfigurationError("PAYEE_ACCOUNT and PAYEE_BIC do not belong together: the control key is wrong.")
    if not correspondent_fits(payee["correspondent"], payee["bic"]):
        raise ConfigurationError("PAYEE_CORRESPONDENT and PAYEE_BIC do not belong together: the control key is wrong.")
    return payee


def _demonstration_secrets(environ: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """Secrets made once and kept, so that sessions and stored documents outlive a restart; and an invented payee."""
    path = folder / "secrets.json"
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        kept = {name: secrets.token_urlsafe(32) for name in SECRETS}
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(kept))
        try:
            os.link(draft, path)  # of two processes that start at once, the first one's secrets stand
        except FileExistsError:
            kept = json.loads(path.read_text())
        finally:
            draft.unlink()
    own: dict[str, Any] = {name: environ.get(name) or kept[name] for name in SECRETS}
    return own | {"INVOICE_PAYEE": DEMONSTRATION_PAYEE}
