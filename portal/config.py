"""Settings, read once from the environment; a missing secret stops the start."""

import json
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from portal.kernel.bank_accounts import account_fits, correspondent_fits

ROOT = Path(__file__).parent.parent
OWN_SECRETS = ("SECRET_KEY", "DOCUMENT_KEY")
SECRETS = (*OWN_SECRETS, "STRIPE_WEBHOOK_SECRET")


class ConfigurationError(Exception):
    """The environment lacks something without which the portal must not start."""


def read_config(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Flask settings from `environ`. Raises ConfigurationError with one sentence."""
    environ = _with_files(environ)
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
        # Wraps the keys of files, else DOCUMENT_KEY does; the one before is tried until all are wrapped anew.
        "FILES_KEY": environ.get("FILES_KEY"),
        "FILES_KEY_BEFORE": environ.get("FILES_KEY_BEFORE"),
        "FILES_URL": environ.get("FILES_URL") or f"file://{folder / 'files'}",
        "CLAMD_URL": _scanner(environ),
        "MAIL_URL": environ.get("MAIL_URL") or f"file://{folder / 'mail'}",
        "MAIL_SENDER": environ.get("MAIL_SENDER", "cruises@example.org"),
        **_channels(environ, production),
        "FISCAL_FOLDER": environ.get("FISCAL_FOLDER"),  # where receipts for a cash register are dropped
        "REFUND_LIMITS": _limits(environ.get("REFUND_LIMITS") or DEFAULT_LIMITS),
        "SECOND_LOOKS_PERCENT": _whole_number(environ, "SECOND_LOOKS_PERCENT", 5),
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "translations"),
        "BABEL_DEFAULT_LOCALE": "ru",
        "RATELIMIT_STORAGE_URI": environ.get("REDIS_URL") or "memory://",
        "RATELIMIT_ENABLED": environ.get("RATELIMIT_ENABLED", "1") != "0",
        "RATELIMIT_HEADERS_ENABLED": True,
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,  # without Redis each process counts by itself
        "PROXIES": _whole_number(environ, "PROXIES", 0),
        "WEB_THREADS": max(1, _whole_number(environ, "WEB_THREADS", 4)),  # of each process
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


# May stand in a file that NAME_FILE names, as secrets of containers do: an environment is shown by more programs.
FROM_FILES = ("SECRET_KEY", "DOCUMENT_KEY", "FILES_KEY", "FILES_KEY_BEFORE")


def _with_files(environ: Mapping[str, str]) -> Mapping[str, str]:
    found = dict(environ)
    for name in FROM_FILES:
        path = environ.get(f"{name}_FILE")
        if not path:
            continue
        if environ.get(name):
            raise ConfigurationError(f"{name} and {name}_FILE are both set; leave one of them out.")
        try:
            found[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as failure:
            raise ConfigurationError(f"{name}_FILE cannot be read ({type(failure).__name__}).") from None
        if not found[name]:
            raise ConfigurationError(f"{name}_FILE is empty.")
    return found


def _scanner(environ: Mapping[str, str]) -> str | None:
    """Where clamd listens; None: there is no virus scanner."""
    address = environ.get("CLAMD_URL") or None
    if address:
        parts = urlsplit(address)
        if not ((parts.scheme == "tcp" and parts.hostname) or (parts.scheme == "unix" and parts.path)):
            raise ConfigurationError(f"CLAMD_URL is {address!r}; it is written like tcp://host:3310 or unix:///path.")
    return address


# What names a channel of payments in the environment: all of a line or nothing.
HALVES = (
    ("STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET"),
    ("YOOKASSA_SHOP_ID", "YOOKASSA_SECRET_KEY"),
    ("TURKMENBANK_URL", "TURKMENBANK_USER", "TURKMENBANK_PASSWORD"),
    ("DESK_PLACE_RU", "DESK_PLACE_TK", "DESK_PLACE_EN", "DESK_CURRENCIES"),
)
LANGUAGES = ("ru", "tk", "en")


def _channels(environ: Mapping[str, str], production: bool) -> dict[str, Any]:
    """Whom the portal takes money from guests by. Without names of its own the demonstration plays with the sandbox."""
    for names in HALVES:
        given = [name for name in names if environ.get(name)]
        left = [name for name in names if not environ.get(name)]
        if given and left and (production or names[0] != "STRIPE_API_KEY"):
            raise ConfigurationError(f"{', '.join(given)} is set, so {', '.join(left)} must be set, too.")
    sandbox = None if production or environ.get("STRIPE_API_KEY") else _sandbox_address(environ)
    address = environ.get("TURKMENBANK_URL") or (f"{sandbox}/payment/rest" if sandbox else None)
    if production and address and not address.startswith("https://"):
        raise ConfigurationError(f"TURKMENBANK_URL is {address!r}; in production it must begin with https://.")
    languages = _listed(environ, "TURKMENBANK_LANGUAGES", "ru" if environ.get("TURKMENBANK_URL") else "ru,tk,en")
    if not set(languages) <= set(LANGUAGES):
        raise ConfigurationError(f"TURKMENBANK_LANGUAGES may name {', '.join(LANGUAGES)}, and not {languages!r}.")
    vat_code = _whole_number(environ, "YOOKASSA_VAT_CODE", 1)
    if not 1 <= vat_code <= 12:
        raise ConfigurationError(f"YOOKASSA_VAT_CODE is {vat_code}; YooKassa knows 1 to 12.")
    own_shop = environ.get("YOOKASSA_SHOP_ID")
    shop_address = f"{sandbox}/v3" if sandbox and not own_shop else None
    return {
        "STRIPE_API_KEY": environ.get("STRIPE_API_KEY") or (None if production else "sk_test_sandbox"),
        "STRIPE_API_BASE": environ.get("STRIPE_API_BASE") or sandbox,
        "YOOKASSA_SHOP_ID": own_shop or ("100500" if sandbox else None),
        "YOOKASSA_SECRET_KEY": environ.get("YOOKASSA_SECRET_KEY") or "test_sandbox",
        "YOOKASSA_API_BASE": environ.get("YOOKASSA_API_BASE") or shop_address,
        "YOOKASSA_VAT_CODE": vat_code,
        "YOOKASSA_MOST_RUBLES": _whole_number(environ, "YOOKASSA_MOST_RUBLES", 350_000 if own_shop else 1_000_000),
        "TURKMENBANK_URL": address,
        "TURKMENBANK_USER": environ.get("TURKMENBANK_USER") or "sandbox-api",
        "TURKMENBANK_PASSWORD": environ.get("TURKMENBANK_PASSWORD") or "sandbox",
        "TURKMENBANK_LANGUAGES": languages,
        "DESK_PLACE": _desk_place(environ, production),
        "DESK_CURRENCIES": _listed(environ, "DESK_CURRENCIES", "RUB,TMT"),
    }


# Where cash and cards are taken by hand; the demonstration has an invented desk.
DEMONSTRATION_DESK = {
    "ru": "Астрахань, Морской вокзал, касса 1",
    "tk": "Astrahan, Deňiz wokzaly, 1-nji kassa",
    "en": "Astrakhan, Marine Terminal, desk 1",
}


def _desk_place(environ: Mapping[str, str], production: bool) -> dict[str, str] | None:
    own = {language: environ.get(f"DESK_PLACE_{language.upper()}", "") for language in LANGUAGES}
    return own if all(own.values()) else None if production else DEMONSTRATION_DESK


def _sandbox_address(environ: Mapping[str, str]) -> str:
    return f"http://127.0.0.1:{_whole_number(environ, 'PORT', 8000) + 1}"


def _listed(environ: Mapping[str, str], name: str, default: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in (environ.get(name) or default).split(",") if part.strip())


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


# Proposed: above these sums, in whole units of each currency, a refund needs the approval of a second person.
DEFAULT_LIMITS = "RUB=300000 USD=3500 TMT=12000"


def _limits(given: str) -> dict[str, int]:
    """Minor units by currency, of "RUB=300000 USD=3500"; all of these currencies have hundredths."""
    limits = {}
    for pair in given.split():
        currency, _, whole = pair.partition("=")
        if not (currency.isalpha() and len(currency) == 3 and whole.isdecimal()):
            raise ConfigurationError(f"REFUND_LIMITS has {pair!r}; it is written like {DEFAULT_LIMITS!r}.")
        limits[currency.upper()] = int(whole) * 100
    return limits


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
    needed = (*OWN_SECRETS, "DATABASE_URL", "PUBLIC_URL", "MAIL_URL", "MAIL_SENDER", *payee.values())
    missing = [name for name in needed if not environ.get(name)]
    if missing:
        raise ConfigurationError(f"In production these must be set in the environment: {', '.join(missing)}.")
    own: dict[str, Any] = {name: environ.get(name) for name in SECRETS}
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
