"""Accounts of the demonstration: one of each role, with passwords made for this data folder."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from flask import current_app
from sqlalchemy import select

from portal.accounts.models import Account, Role
from portal.accounts.passwords import hash_password, matches
from portal.accounts.services import add_account
from portal.database import transaction

# ruff: noqa: SIM905 (a list of quoted words is harder to read)
# Easy to read out and to type on any keyboard; four of them and a number are 34 bits, behind a rate limit.
WORDS = """
amber anchor anise apricot aspen atlas autumn bamboo barley basin bazaar beacon birch breeze bridge cabin
camel canal caravan carpet cedar cinnamon citrus clover cobalt compass copper coral cotton cove crane cypress
delta desert dolphin dune eagle ember falcon fern ferry flint forest garnet ginger granite harbor hazel heron
honey horizon indigo island ivory jasmine juniper kettle lagoon lantern laurel lemon lichen linen lotus maple
marble meadow melon mint mirror morning mosaic nutmeg oasis olive onyx opal orchard osprey palm paper pear
pebble pelican pepper pigeon pine plum pomegranate poplar quartz quince raisin ribbon river saffron sail
salmon sand scarf seal sesame shore silk silver sparrow spring stone sturgeon summer sunrise swan tamarisk tea
thistle thyme tulip turquoise valley velvet violet walnut wave willow window winter
""".split()
NAMES = {
    Role.OPERATOR: "Demo Operator",
    Role.REVIEWER: "Demo Reviewer",
    Role.LEAD: "Demo Lead",
    Role.FINANCE: "Demo Finance",
    Role.ADMINISTRATOR: "Demo Administrator",
    Role.CUSTOMER: "Demo Tourist",
}


@dataclass(frozen=True)
class DemoAccount:
    role: str
    email: str
    password: str


def prepare_accounts(folder: Path, now: datetime) -> list[DemoAccount]:
    """See to it that the accounts exist and that the passwords in `folder`/demonstration.json open them.

    A second call changes nothing, unless the file or a row is gone. Raises RuntimeError in production.
    """
    if current_app.config["PORTAL_ENV"] != "demonstration":
        raise RuntimeError("Accounts with passwords on the disk are for the demonstration alone.")
    path = folder / "demonstration.json"
    kept = {entry["email"]: entry["password"] for entry in json.loads(path.read_text())} if path.exists() else {}
    accounts = [
        DemoAccount(role.value, email, kept.get(email) or _readable_password())
        for role in NAMES
        for email in [f"{'tourist' if role is Role.CUSTOMER else role.value}@demo.example"]
    ]
    # First the file: a password in it that opens nothing yet is mended by the next call, a lost one by nobody.
    _write(path, accounts)
    with transaction() as session:
        for entry in accounts:
            account = session.scalar(select(Account).where(Account.email == entry.email))
            if account is None:
                role = Role(entry.role)
                add_account(entry.email, hash_password(entry.password), NAMES[role], "ru", role, now)
            elif not matches(entry.password, account.password_hash):
                account.password_hash = hash_password(entry.password)
    return accounts


def _readable_password() -> str:
    return "-".join([*(secrets.choice(WORDS) for _ in range(4)), str(secrets.randbelow(90) + 10)])


def _write(path: Path, accounts: list[DemoAccount]) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps([asdict(account) for account in accounts], indent=2, ensure_ascii=False) + "\n")
    os.replace(draft, path)
