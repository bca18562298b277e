"""Price lists by sailing and currency, the fares on sale, what changes them, and promotion codes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.catalogue.models import Cabin, Sailing, VoyagePart
from portal.database import Base, unique_where
from portal.kernel.money import Money
from portal.kernel.references import new_reference


class PriceList(Base):
    """One version of what a sailing costs in one currency. A published one is never changed: bookings name it."""

    __tablename__ = "price_list"
    __table_args__ = (
        UniqueConstraint("sailing_id", "currency", "version"),
        # At most one that is still being worked on.
        unique_where("uq_price_list_draft", "sailing_id", "currency", where="published_at IS NULL"),
        CheckConstraint("port_dues_minor >= 0", name="port_dues_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sailing_id: Mapped[int] = mapped_column(ForeignKey("sailing.id"))
    currency: Mapped[str] = mapped_column(String(3))
    version: Mapped[int]
    mark: Mapped[str] = mapped_column(String(12))  # "proposed" or "confirmed"
    port_dues_minor: Mapped[int]  # for each person and the whole sailing
    # {category: {"adult": minor units, "single": …, "child": …, "extra": … or null}}, as this version has them
    fares: Mapped[dict[str, dict[str, int | None]]] = mapped_column(JSON, deferred=True)
    source: Mapped[str | None] = mapped_column(String(200))  # where the figures come from, if nobody typed them
    made_at: Mapped[datetime]
    published_at: Mapped[datetime | None]

    @property
    def port_dues(self) -> Money:
        return Money(self.port_dues_minor, self.currency)

    @property
    def name(self) -> str:
        """What a booking pins: "RUB-3" of its sailing."""
        return f"{self.currency}-{self.version}"


class PriceTerms(Base):
    """What changes the fares of every sailing: tariffs and discounts. Each row is a version; the last one counts."""

    __tablename__ = "price_terms"

    version: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(String(12))
    terms: Mapped[dict[str, Any]]  # as terms.py reads them
    made_at: Mapped[datetime]


class Fare(Base):
    """What one passenger pays for the whole sailing in a cabin of a category: the price list that is on sale."""

    __tablename__ = "fare"
    __table_args__ = (
        UniqueConstraint("sailing_id", "category_id", "currency"),
        CheckConstraint("adult_minor > 0", name="adult_positive"),
        CheckConstraint("single_minor >= adult_minor", name="single_at_least_adult"),
        CheckConstraint("child_minor > 0 AND child_minor <= adult_minor", name="child_at_most_adult"),
        CheckConstraint("extra_minor IS NULL OR extra_minor > 0", name="extra_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    price_list_id: Mapped[int] = mapped_column(ForeignKey("price_list.id"))  # the version these figures stand in
    sailing_id: Mapped[int] = mapped_column(ForeignKey("sailing.id"))
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"), index=True)
    currency: Mapped[str] = mapped_column(String(3))
    adult_minor: Mapped[int]  # in double use
    single_minor: Mapped[int]  # one passenger alone in the cabin
    child_minor: Mapped[int]  # ages 2 to 14; equals adult_minor where the category has no child's fare
    extra_minor: Mapped[int | None]  # on an extra berth
    mark: Mapped[str] = mapped_column(String(12))  # "proposed" or "confirmed"

    price_list: Mapped[PriceList] = relationship(lazy="joined", innerjoin=True)

    @property
    def adult(self) -> Money:
        return Money(self.adult_minor, self.currency)

    @property
    def single(self) -> Money:
        return Money(self.single_minor, self.currency)

    @property
    def child(self) -> Money:
        return Money(self.child_minor, self.currency)

    @property
    def extra(self) -> Money | None:
        return None if self.extra_minor is None else Money(self.extra_minor, self.currency)


class Promotion(Base):
    """A code that lowers the price of a booking, with limits that its uses never exceed.

    Uses are rows of bookings (promotion_use); how much is left is worked out from those that are open.
    """

    __tablename__ = "promotion"
    __table_args__ = (
        CheckConstraint("(percent IS NULL) <> (amount_minor IS NULL)", name="percent_or_sum"),
        CheckConstraint("percent IS NULL OR (percent > 0 AND percent <= 100)", name="percent_of_a_hundred"),
        CheckConstraint("amount_minor IS NULL OR amount_minor > 0", name="amount_positive"),
        CheckConstraint(
            "currency IS NOT NULL OR (amount_minor IS NULL AND budget_minor IS NULL)", name="sums_have_one"
        ),
        CheckConstraint("starts_on IS NULL OR ends_on IS NULL OR starts_on <= ends_on", name="starts_before_it_ends"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)  # capital letters and digits
    percent: Mapped[int | None]
    amount_minor: Mapped[int | None]  # off the whole booking
    currency: Mapped[str | None] = mapped_column(String(3))  # None: in every currency
    starts_on: Mapped[date | None]  # days of booking, the last one included
    ends_on: Mapped[date | None]
    categories: Mapped[list[str]] = mapped_column(JSON, default=list)  # codes; none: all
    combinable: Mapped[bool] = mapped_column(default=False)  # with other discounts
    uses_limit: Mapped[int | None]  # bookings
    cabins_limit: Mapped[int | None]
    budget_minor: Mapped[int | None]  # of `currency`, taken off in all
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # taken back before its time: no new booking gets it


def new_quote_code() -> str:
    """Whoever has it may see the quote and take it up: some 77 bits, which nobody guesses."""
    return new_reference() + new_reference()


class Quote(Base):
    """A price that was promised for cabins until a moment, with everything it was worked out from.

    The promotion is not part of the offer: its limits are counted when the price is taken up.
    """

    __tablename__ = "quote"
    __table_args__ = (
        CheckConstraint("total_minor >= 0", name="total_not_negative"),
        CheckConstraint("made_at < expires_at", name="made_before_it_expires"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(16), unique=True, default=new_quote_code)
    sailing_id: Mapped[int] = mapped_column(ForeignKey("sailing.id"), index=True)
    part_id: Mapped[int | None] = mapped_column(ForeignKey("voyage_part.id"))  # None: the whole voyage
    promotion_id: Mapped[int | None] = mapped_column(ForeignKey("promotion.id"))
    party: Mapped[str] = mapped_column(String(160))  # as in addresses
    currency: Mapped[str] = mapped_column(String(3))
    day: Mapped[date]  # the day of booking by which it was priced
    offer: Mapped[dict[str, Any]]  # fares and terms, as kept.py writes them
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # the trace
    versions: Mapped[dict[str, Any]]
    total_minor: Mapped[int]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    sailing: Mapped[Sailing] = relationship()
    part: Mapped[VoyagePart | None] = relationship()
    promotion: Mapped[Promotion | None] = relationship()
    cabins: Mapped[list[QuotedCabin]] = relationship(order_by="QuotedCabin.position", back_populates="quote")

    @property
    def voyage(self) -> Sailing | VoyagePart:
        return self.part or self.sailing

    def valid_at(self, now: datetime) -> bool:
        return now < self.expires_at


class QuotedCabin(Base):
    """A cabin of a quote, in the order of the party's cabins."""

    __tablename__ = "quoted_cabin"
    __table_args__ = (UniqueConstraint("quote_id", "cabin_id"),)

    quote_id: Mapped[int] = mapped_column(ForeignKey("quote.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    cabin_id: Mapped[int] = mapped_column(ForeignKey("cabin.id"))

    quote: Mapped[Quote] = relationship(back_populates="cabins")
    cabin: Mapped[Cabin] = relationship()
