"""What the pages of the providers beside Stripe share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import render_template, request
from flask.typing import ResponseReturnValue

from sandbox.cards import Card
from sandbox.forms import let_forms_lead_to


@dataclass(frozen=True)
class ChannelPage:
    id: str
    amount: str
    description: str
    return_url: str
    minutes_left: int
    asked: bool  # the customer, by his bank
    last4: str | None  # of the card; None without one


def show_form(
    page: ChannelPage,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
    *,
    cards: Sequence[Card],
    words: str,
    filled: str,
    by_sbp: bool = False,
) -> ResponseReturnValue:
    """words: how the names of what its cards do begin; filled: the address that fills a card in, without its slug."""
    let_forms_lead_to(page.return_url)
    status = 422 if request.method == "POST" else 200
    shown = {"page": page, "typed": typed, "errors": errors, "cards": cards}
    return render_template("channel_pay.html", **shown, words=words, filled=filled, by_sbp=by_sbp), status


def show_no_answer() -> ResponseReturnValue:
    """The money is taken, and the page never says so."""
    return render_template("notice.html", title="no_answer_title", text="no_answer_text", back=None), 504
