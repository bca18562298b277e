"""Security headers of every answer."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request

POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self' {payment}",
        "frame-ancestors 'none'",
    )
)


# Where the providers have their pages, when their addresses are not settings.
STRIPE_PAGES = ("https://checkout.stripe.com",)
YOOKASSA_PAGES = ("https://yookassa.ru", "https://yoomoney.ru", "https://*.yoomoney.ru")


def _payment_pages(config: Mapping[str, Any]) -> list[str]:
    """The origins of the pages where customers pay, each once."""
    pages: list[str] = []
    if config["STRIPE_API_KEY"]:
        pages += [_origin(config["STRIPE_API_BASE"])] if config["STRIPE_API_BASE"] else STRIPE_PAGES
    if config["YOOKASSA_SHOP_ID"]:
        pages += [_origin(config["YOOKASSA_API_BASE"])] if config["YOOKASSA_API_BASE"] else YOOKASSA_PAGES
    if config["TURKMENBANK_URL"]:
        pages.append(_origin(config["TURKMENBANK_URL"]))
    return list(dict.fromkeys(pages))


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def init_app(app: Flask) -> None:
    @app.after_request
    def add_headers(response: Response) -> Response:
        # A form that starts a payment is answered by a redirect to the provider, which browsers count as its target.
        policy = POLICY.format(payment=" ".join(_payment_pages(app.config)))
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if app.config["SESSION_COOKIE_SECURE"]:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        if request.endpoint != "static" and "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response
