"""Where forms may lead: to the payment pages of the providers that are set up, and nowhere else."""

import pytest

REAL = {
    "STRIPE_API_KEY": "sk_live_x",
    "STRIPE_API_BASE": None,
    "YOOKASSA_SHOP_ID": "1",
    "YOOKASSA_API_BASE": None,
    "TURKMENBANK_URL": "https://pay.bank.example/payment/rest",
}
NONE = dict.fromkeys(REAL)


@pytest.fixture
def policy(app):
    """policy(settings): the part of the content policy about forms."""
    before = {name: app.config[name] for name in REAL}

    def ask(settings):
        app.config.update(settings)
        header = app.test_client().get("/healthz").headers["Content-Security-Policy"]
        return next(part.strip() for part in header.split(";") if "form-action" in part).split()[1:]

    yield ask
    app.config.update(before)


def test_forms_lead_to_the_pages_of_real_providers(policy):
    allowed = policy(REAL)

    assert allowed[0] == "'self'"
    assert {"https://checkout.stripe.com", "https://yoomoney.ru", "https://pay.bank.example"} <= set(allowed)


def test_forms_lead_nowhere_else_without_providers(policy):
    assert policy(NONE) == ["'self'"]


def test_the_sandbox_is_named_once_by_its_origin(policy):
    sandbox = {
        "STRIPE_API_BASE": "http://127.0.0.1:8001",
        "YOOKASSA_API_BASE": "http://127.0.0.1:8001/v3",
        "TURKMENBANK_URL": "http://127.0.0.1:8001/payment/rest",
    }

    assert policy(REAL | sandbox) == ["'self'", "http://127.0.0.1:8001"]
