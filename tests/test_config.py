"""Settings: the demonstration needs none, production says what is missing."""

import pytest

from portal.config import ConfigurationError, read_config

pytestmark = pytest.mark.once

COMPLETE = {
    "PORTAL_ENV": "production",
    "SECRET_KEY": "s",
    "DOCUMENT_KEY": "d",
    "STRIPE_API_KEY": "sk_live_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_x",
    "DATABASE_URL": "postgresql+psycopg://portal@db/portal",
    "PUBLIC_URL": "https://cruises.example",
    "MAIL_URL": "smtp://mail",
    "MAIL_SENDER": "cruises@cruises.example",
    "PAYEE_NAME": "Operator",
    "PAYEE_INN": "7700000000",
    "PAYEE_ACCOUNT": "40702810138250123017",
    "PAYEE_BANK": "ПАО СБЕРБАНК",
    "PAYEE_BIC": "044525225",
    "PAYEE_CORRESPONDENT": "30101810400000000225",
}


def test_the_demonstration_makes_its_secrets_once(tmp_path):
    first = read_config({"PORTAL_DATA": str(tmp_path)})

    again = read_config({"PORTAL_DATA": str(tmp_path)})

    assert first == again
    assert len(first["SECRET_KEY"]) > 30
    assert (tmp_path / "secrets.json").stat().st_mode & 0o077 == 0
    assert first["STRIPE_API_BASE"] == "http://127.0.0.1:8001"


@pytest.mark.parametrize("name", sorted(set(COMPLETE) - {"PORTAL_ENV"}))
def test_production_refuses_to_start_without(name):
    environment = {key: value for key, value in COMPLETE.items() if key != name}

    with pytest.raises(ConfigurationError, match=name):
        read_config(environment)


def test_production_talks_to_the_real_provider_over_safe_cookies():
    config = read_config(COMPLETE)

    assert config["STRIPE_API_BASE"] is None
    assert config["SESSION_COOKIE_SECURE"] is True
    assert config["INVOICE_PAYEE"]["name"] == "Operator"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("PAYEE_NAME", "О" * 161),
        ("PAYEE_BANK", "Б" * 46),
        ("PAYEE_INN", "77000000"),
        ("PAYEE_BIC", "44525225"),
        ("PAYEE_ACCOUNT", "40702810138250123071"),  # two digits swapped
        ("PAYEE_ACCOUNT", "4070281013825012301"),
        ("PAYEE_CORRESPONDENT", "30101810400000000226"),
    ],
)
def test_production_refuses_to_start_with_an_account_that_cannot_be(name, wrong):
    with pytest.raises(ConfigurationError, match=name):
        read_config(COMPLETE | {name: wrong})


def test_a_bank_may_have_no_correspondent_account():
    assert read_config(COMPLETE | {"PAYEE_CORRESPONDENT": "0"})["INVOICE_PAYEE"]["correspondent"] == "0"


@pytest.mark.parametrize("name", ["PORT", "PROXIES"])
def test_what_must_be_a_number_is_refused_in_a_sentence(tmp_path, name):
    with pytest.raises(ConfigurationError, match=f"{name} is 'two'"):
        read_config({"PORTAL_DATA": str(tmp_path), name: "two"})


def test_production_without_redis_has_a_folder_for_its_jobs(tmp_path):
    read_config(COMPLETE | {"PORTAL_DATA": str(tmp_path / "kept")})

    assert (tmp_path / "kept").is_dir()


def test_an_unknown_kind_of_installation_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="PORTAL_ENV"):
        read_config({"PORTAL_ENV": "prod", "PORTAL_DATA": str(tmp_path)})


def test_each_channel_of_payments_is_set_whole_or_not_at_all():
    channels = {
        "STRIPE_API_KEY": "sk_live_x",
        "STRIPE_WEBHOOK_SECRET": "whsec_x",
        "YOOKASSA_SHOP_ID": "1",
        "YOOKASSA_SECRET_KEY": "live_x",
        "TURKMENBANK_URL": "https://bank.example/payment/rest",
        "TURKMENBANK_USER": "u",
        "TURKMENBANK_PASSWORD": "p",
        "DESK_PLACE_RU": "Астрахань",
        "DESK_PLACE_TK": "Astrahan",
        "DESK_PLACE_EN": "Astrakhan",
        "DESK_CURRENCIES": "RUB",
    }
    without = {name: value for name, value in COMPLETE.items() if not name.startswith("STRIPE_")}

    none = read_config(without)
    for left in channels:
        with pytest.raises(ConfigurationError, match=f"{left} must be set, too|{left},|, {left}"):
            read_config(without | {name: value for name, value in channels.items() if name != left})

    everything = read_config(without | channels)
    for name in ("STRIPE_API_KEY", "YOOKASSA_SHOP_ID", "TURKMENBANK_URL", "DESK_PLACE"):
        assert none[name] is None
    assert everything["YOOKASSA_API_BASE"] is None
    assert everything["DESK_PLACE"]["tk"] == "Astrahan"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("TURKMENBANK_URL", "http://bank.example"), ("YOOKASSA_VAT_CODE", "13"), ("TURKMENBANK_LANGUAGES", "fr")],
)
def test_a_channel_that_cannot_work_is_named_before_the_start(name, wrong):
    bank = {"TURKMENBANK_URL": "https://bank.example", "TURKMENBANK_USER": "u", "TURKMENBANK_PASSWORD": "p"}

    with pytest.raises(ConfigurationError, match=name):
        read_config(COMPLETE | bank | {name: wrong})


def test_the_demonstration_plays_every_channel_with_the_sandbox(tmp_path):
    config = read_config({"PORTAL_DATA": str(tmp_path), "PORT": "9000"})

    assert config["YOOKASSA_API_BASE"] == "http://127.0.0.1:9001/v3"
    assert config["TURKMENBANK_URL"] == "http://127.0.0.1:9001/payment/rest"
    assert config["DESK_PLACE"] is not None


def test_a_secret_may_stand_in_a_file_instead_of_the_environment(tmp_path):
    secret = tmp_path / "document-key"
    secret.write_text("from a file\n")
    without = {name: value for name, value in COMPLETE.items() if name != "DOCUMENT_KEY"}

    config = read_config(without | {"DOCUMENT_KEY_FILE": str(secret)})

    assert config["DOCUMENT_KEY"] == "from a file"
    with pytest.raises(ConfigurationError, match="both set"):
        read_config(COMPLETE | {"DOCUMENT_KEY_FILE": str(secret)})
    secret.write_text("\n")
    with pytest.raises(ConfigurationError, match="DOCUMENT_KEY_FILE is empty"):
        read_config(without | {"DOCUMENT_KEY_FILE": str(secret)})
    with pytest.raises(ConfigurationError, match="DOCUMENT_KEY_FILE cannot be read"):
        read_config(without | {"DOCUMENT_KEY_FILE": str(tmp_path / "nowhere")})


@pytest.mark.parametrize("address", ["clamd", "http://clamd:3310", "tcp://", "unix://"])
def test_an_address_at_which_no_virus_scanner_can_be_is_named_before_the_start(address):
    with pytest.raises(ConfigurationError, match="CLAMD_URL"):
        read_config(COMPLETE | {"CLAMD_URL": address})
