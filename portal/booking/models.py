"""The agreement with a customer: its cabins, passengers and what is owed."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.catalogue.models import Cabin, Sailing, VoyagePart
from portal.database import Base, SealedText, index_where, unique_where
from portal.inventory.models import Occupancy
from portal.kernel.money import Money
from portal.kernel.references import new_reference
from portal.kernel.states import Moves
from portal.pricing.models import Promotion, Quote


class BookingState(StrEnum):
    """The commercial state only: money and papers are derived from their own rows."""

    DRAFT = "draft"  # being filled in, while the hold lasts
    PENDING = "pending"  # agreed, waiting for money until pay_by
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


BOOKING_MOVES: Moves[BookingState] = {
    BookingState.DRAFT: {BookingState.PENDING, BookingState.EXPIRED, BookingState.CANCELLED},
    BookingState.PENDING: {BookingState.CONFIRMED, BookingState.EXPIRED, BookingState.CANCELLED},
    BookingState.EXPIRED: {BookingState.CONFIRMED},  # late money, while the very same cabin is still free
    BookingState.CONFIRMED: {BookingState.CANCELLED},
}


class TravelState(StrEnum):
    """Where the party is, whatever was agreed and paid."""

    OPEN = "open"
    CHECKED_IN = "checked_in"
    BOARDED = "boarded"
    ASHORE = "ashore"
    DENIED = "denied"
    DISEMBARKED = "disembarked"


TRAVEL_MOVES: Moves[TravelState] = {
    TravelState.OPEN: {TravelState.CHECKED_IN, TravelState.DENIED},
    TravelState.CHECKED_IN: {TravelState.OPEN, TravelState.BOARDED, TravelState.DENIED},
    TravelState.BOARDED: {TravelState.ASHORE, TravelState.DISEMBARKED},
    TravelState.ASHORE: {TravelState.BOARDED, TravelState.DISEMBARKED},
    TravelState.DENIED: {TravelState.CHECKED_IN},
}


class Booking(Base):
    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint(
            "state IN ('draft', 'expired', 'cancelled') OR (placed_at IS NOT NULL AND pay_by IS NOT NULL)",
            name="placed_with_deadline",
        ),
        CheckConstraint(
            "placed_at IS NULL OR (terms_version IS NOT NULL AND consent_version IS NOT NULL)",
            name="placed_with_consent",
        ),
        CheckConstraint("(state <> 'confirmed') OR (confirmed_at IS NOT NULL)", name="confirmed_with_time"),
        Index("ix_booking_sailing", "sailing_id", "state"),
        index_where("ix_booking_open", "id", where="state IN ('draft', 'pending')"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    sailing_id: Mapped[int] = mapped_column(ForeignKey("sailing.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    holder: Mapped[str | None] = mapped_column(String(64), index=True)  # the visitor who made it
    link_version: Mapped[int] = mapped_column(default=1)  # one more, and every private link given out is dead
    state: Mapped[BookingState] = mapped_column(default=BookingState.DRAFT)
    travel: Mapped[TravelState] = mapped_column(default=TravelState.OPEN)
    language: Mapped[str] = mapped_column(String(2))
    currency: Mapped[str] = mapped_column(String(3))
    contact_name: Mapped[str | None] = mapped_column(String(120))
    contact_email: Mapped[str | None] = mapped_column(String(254), index=True)
    contact_phone: Mapped[str | None] = mapped_column(String(40))
    made_at: Mapped[datetime]
    placed_at: Mapped[datetime | None]
    pay_by: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    terms_version: Mapped[str | None] = mapped_column(String(20))
    terms_accepted_at: Mapped[datetime | None]  # real time
    consent_version: Mapped[str | None] = mapped_column(String(20))
    consent_given_at: Mapped[datetime | None]  # real time
    minors_waiver_at: Mapped[datetime | None]  # real time: an adult answers for minors in a cabin of their own
    policy: Mapped[list[dict[str, int]]] = mapped_column(JSON, default=list)  # cancellation steps, pinned when placed
    # Of what the price was worked out and what was agreed to: {"price_list": "RUB-3", "price_terms": "1", …}
    versions: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    promotion_lost: Mapped[str | None] = mapped_column(String(20))  # a code that was taken and holds no more

    sailing: Mapped[Sailing] = relationship()
    customer: Mapped[Account | None] = relationship()
    cabins: Mapped[list[BookedCabin]] = relationship(back_populates="booking", order_by="BookedCabin.id")
    # Who travels: whoever has left the booking is kept with his papers, and stands in no list.
    passengers: Mapped[list[Passenger]] = relationship(
        back_populates="booking",
        order_by="Passenger.position",
        cascade="all, delete-orphan",
        primaryjoin="and_(Booking.id == Passenger.booking_id, Passenger.left_at.is_(None))",
    )
    charges: Mapped[list[Charge]] = relationship(
        back_populates="booking", order_by="Charge.position", cascade="all, delete-orphan"
    )

    @property
    def voyage(self) -> Sailing | VoyagePart:
        """What of the sailing was booked: all of its cabins are for the same part, or for the whole voyage."""
        return self.cabins[0].occupancy.voyage if self.cabins else self.sailing

    changes: Mapped[list[BookingChange]] = relationship(order_by="BookingChange.id", viewonly=True)

    @property
    def price(self) -> Money:
        """What is owed in all: the sum of its charges."""
        return Money(sum(charge.amount_minor for charge in self.charges), self.currency)

    @property
    def kept(self) -> Money:
        """The part of it that changes made cheaper and the conditions keep."""
        kept = sum(charge.amount_minor for charge in self.charges if charge.kind is ChargeKind.KEPT)
        return Money(kept, self.currency)


class BookedCabin(Base):
    """A cabin of a booking, through the occupancy that keeps it."""

    __tablename__ = "booked_cabin"

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    occupancy_id: Mapped[int] = mapped_column(ForeignKey("occupancy.id"), unique=True)
    cabin_id: Mapped[int] = mapped_column(ForeignKey("cabin.id"))

    booking: Mapped[Booking] = relationship(back_populates="cabins")
    occupancy: Mapped[Occupancy] = relationship()
    cabin: Mapped[Cabin] = relationship()


class Sex(StrEnum):
    MALE = "M"
    FEMALE = "F"
    UNSPECIFIED = "X"


class DocumentKind(StrEnum):
    PASSPORT = "passport"  # for travel abroad, or a foreigner's
    INTERNAL_PASSPORT = "internal_passport"
    BIRTH_CERTIFICATE = "birth_certificate"


class Person:
    """Columns of a table of people.

    Latin names are those of the passport's machine-readable lines; the local ones are for people.
    """

    surname: Mapped[str] = mapped_column(String(60))
    given_names: Mapped[str] = mapped_column(String(60))
    local_surname: Mapped[str | None] = mapped_column(String(60))
    local_given_names: Mapped[str | None] = mapped_column(String(60))
    patronymic: Mapped[str | None] = mapped_column(String(60))
    birth_date: Mapped[date]
    birth_place: Mapped[str | None] = mapped_column(String(80))
    sex: Mapped[Sex | None]
    citizenship: Mapped[str] = mapped_column(String(2))
    document_kind: Mapped[DocumentKind | None]
    document_number: Mapped[str | None] = mapped_column(SealedText)
    document_expires: Mapped[date | None]

    @property
    def full_name(self) -> str:
        return f"{self.surname} {self.given_names}"

    @property
    def local_name(self) -> str | None:
        """As people write it, as far as it was given."""
        parts = (self.local_surname, self.local_given_names, self.patronymic)
        return " ".join(part for part in parts if part) or None


class Passenger(Person, Base):
    """Who travels.

    Sex, place of birth and the document may come after the booking; `details.missing_fields` says which, and by when.
    A document's fingerprint is None until a number was given, and empty once it was forgotten after the cruise.
    """

    __tablename__ = "passenger"
    __table_args__ = (UniqueConstraint("booking_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"))
    cabin_id: Mapped[int] = mapped_column(ForeignKey("cabin.id"))
    position: Mapped[int]
    document_fingerprint: Mapped[str | None] = mapped_column(String(64), index=True)
    language: Mapped[str | None] = mapped_column(String(2))  # his own; None: that of the booking
    email: Mapped[str | None] = mapped_column(String(254))
    # One more, and every link of this passenger that was given out is dead.
    link_version: Mapped[int] = mapped_column(default=1, server_default="1")
    link_sent_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]  # taken off the booking since

    booking: Mapped[Booking] = relationship(back_populates="passengers")
    cabin: Mapped[Cabin] = relationship()
    changes: Mapped[list[ChangeRequest]] = relationship(back_populates="passenger", order_by="ChangeRequest.id")


class FiledKind(StrEnum):
    """To whom a list of passengers was handed; from then on what stands in it is not ours alone to change."""

    PORTS = "ports"  # ports, border guards and transport security
    INVITATION_TM = "invitation_tm"  # letters of invitation to Turkmenistan
    GROUP_IR = "group_ir"  # Russian citizens who enter Iran as a group


class FiledList(Base):
    """A list of a sailing's passengers as it was filed; filed again, the old row ends and a new one stands."""

    __tablename__ = "filed_list"
    __table_args__ = (unique_where("uq_filed_list_standing", "sailing_id", "kind", where="ended_at IS NULL"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sailing_id: Mapped[int] = mapped_column(ForeignKey("sailing.id"))
    kind: Mapped[FiledKind]
    filed_at: Mapped[datetime]
    filed_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    digest: Mapped[str] = mapped_column(String(64))  # of all that it says
    members: Mapped[dict[str, Any]] = mapped_column(JSON)  # passenger's reference → digest of what it says of him
    ended_at: Mapped[datetime | None]

    filed_by: Mapped[Account] = relationship()


class ChangeState(StrEnum):
    ASKED = "asked"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # by whoever asked, or because the ship has left


CHANGE_MOVES: Moves[ChangeState] = {
    ChangeState.ASKED: {ChangeState.ACCEPTED, ChangeState.REFUSED, ChangeState.WITHDRAWN}
}


class ChangeRequest(Base):
    """A wish to change what stands in a filed list: decided by staff, for the list must be filed anew."""

    __tablename__ = "change_request"
    __table_args__ = (
        unique_where("uq_change_request_open", "passenger_id", where="state = 'asked'"),
        CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name="decided_with_time"),
        CheckConstraint("(state = 'asked') = (wanted IS NOT NULL)", name="wanted_while_asked"),
        CheckConstraint("state <> 'refused' OR reason IS NOT NULL", name="refused_with_reason"),
        index_where("ix_change_request_waiting", "asked_at", where="state = 'asked'"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    passenger_id: Mapped[int] = mapped_column(ForeignKey("passenger.id"), index=True)
    fields: Mapped[list[str]] = mapped_column(JSON)  # names of columns; what they were to be is forgotten once decided
    wanted: Mapped[str | None] = mapped_column(SealedText)  # the new values, as JSON
    state: Mapped[ChangeState] = mapped_column(default=ChangeState.ASKED)
    asked_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str | None] = mapped_column(String(500))

    passenger: Mapped[Passenger] = relationship(back_populates="changes")


class Companion(Person, Base):
    """Somebody with whom a customer travels, remembered for the next booking with the consent of both."""

    __tablename__ = "companion"
    __table_args__ = (UniqueConstraint("account_id", "person"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    person: Mapped[str] = mapped_column(String(64))  # fingerprint of name and birth: nobody stands here twice
    consented_at: Mapped[datetime]  # real time
    used_at: Mapped[datetime] = mapped_column(index=True)  # last saved or taken into a booking


class ChargeKind(StrEnum):
    """The kinds of pricing.rules.LineKind, as they are kept."""

    ADULT = "adult"
    SINGLE = "single"
    CHILD = "child"
    INFANT = "infant"
    EXTRA_BERTH = "extra_berth"
    PART = "part"
    SINGLE_SUPPLEMENT = "single_supplement"
    FOREIGN_TARIFF = "foreign_tariff"
    EARLY_BOOKING = "early_booking"
    GROUP = "group"
    PROMOTION = "promotion"
    PORT_DUES = "port_dues"
    KEPT = "kept"  # of what was cheaper after a change, by the conditions for cancelling


class Charge(Base):
    """One line of the price, pinned when the booking was placed."""

    __tablename__ = "charge"
    __table_args__ = (UniqueConstraint("booking_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"))
    passenger_id: Mapped[int | None] = mapped_column(ForeignKey("passenger.id"), index=True)
    position: Mapped[int]
    kind: Mapped[ChargeKind]
    amount_minor: Mapped[int]  # in the booking's currency; below zero for a discount
    why: Mapped[dict[str, Any] | None]  # the rule's reason: {"why": its code, what it says}; None in old bookings

    booking: Mapped[Booking] = relationship(back_populates="charges")
    passenger: Mapped[Passenger | None] = relationship()


class UseState(StrEnum):
    TAKEN = "taken"
    GIVEN_BACK = "given_back"


USE_MOVES: Moves[UseState] = {
    UseState.TAKEN: {UseState.GIVEN_BACK},
    UseState.GIVEN_BACK: {UseState.TAKEN},  # late money for the very same booking, while there is some left
}


class PromotionUse(Base):
    """A promotion taken by a booking from its draft on; given back where the booking ends without a cruise.

    A trigger of the database refuses what would exceed the promotion's limits, whoever writes.
    """

    __tablename__ = "promotion_use"
    __table_args__ = (
        UniqueConstraint("promotion_id", "booking_id"),
        unique_where("uq_promotion_use_open", "booking_id", where="state = 'taken'"),
        CheckConstraint("cabins > 0", name="cabins_positive"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    promotion_id: Mapped[int] = mapped_column(ForeignKey("promotion.id"))
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    state: Mapped[UseState] = mapped_column(default=UseState.TAKEN)
    cabins: Mapped[int]
    amount_minor: Mapped[int]  # taken off, in the booking's currency
    changed_at: Mapped[datetime]

    promotion: Mapped[Promotion] = relationship()
    booking: Mapped[Booking] = relationship()


class QuoteUse(Base):
    """A quote taken up by holds, and through them by one booking. The primary key is the guard: only once at a time."""

    __tablename__ = "quote_use"
    __table_args__ = (CheckConstraint("converted_at IS NULL OR booking_id IS NOT NULL", name="converted_with_booking"),)

    quote_id: Mapped[int] = mapped_column(ForeignKey("quote.id"), primary_key=True)
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("booking.id"), unique=True)
    converted_at: Mapped[datetime | None]  # when the booking was placed: from then on the quote is used up

    quote: Mapped[Quote] = relationship()
    booking: Mapped[Booking | None] = relationship()
    holds: Mapped[list[QuoteHold]] = relationship(cascade="all, delete-orphan")


class QuoteHold(Base):
    """One cabin of a quote that was taken up. By its primary key a hold has one promised price, or none."""

    __tablename__ = "quote_hold"

    occupancy_id: Mapped[int] = mapped_column(ForeignKey("occupancy.id"), primary_key=True)
    quote_id: Mapped[int] = mapped_column(ForeignKey("quote_use.quote_id"), index=True)


class ChangeKind(StrEnum):
    NAME = "name"
    CABIN = "cabin"
    PASSENGER_ADDED = "passenger_added"
    PASSENGER_CANCELLED = "passenger_cancelled"
    CABIN_CANCELLED = "cabin_cancelled"
    SAILING = "sailing"
    REPRICED = "repriced"  # the price was not locked yet, and the guest agreed to the one of today's lists


class BookingChangeState(StrEnum):
    AWAITING = "awaiting"  # agreed; it is made once the rest is paid, by pay_by
    APPLIED = "applied"
    DROPPED = "dropped"


BOOKING_CHANGE_MOVES: Moves[BookingChangeState] = {
    BookingChangeState.AWAITING: {BookingChangeState.APPLIED, BookingChangeState.DROPPED},
}


class BookingChange(Base):
    """What a customer changed in an agreed booking: what stood there before, what stands there after, and the money.

    before, after: {"sailing", "cabins": [{"number", "cabin", "hold"?}], "passengers": [{"name", "cabin", "minor"}],
    "lines": [{"passenger", "kind", "minor"}]}; amounts in minor units of the booking's currency.
    """

    __tablename__ = "booking_change"
    __table_args__ = (
        unique_where("uq_booking_change_awaiting", "booking_id", where="state = 'awaiting'"),
        CheckConstraint("(state = 'applied') = (applied_at IS NOT NULL)", name="applied_with_time"),
        CheckConstraint("(state = 'awaiting') = (to_pay_minor > 0 AND closed_at IS NULL)", name="awaits_money"),
        CheckConstraint("to_pay_minor >= 0 AND returned_minor >= 0 AND kept_minor >= 0", name="sums_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    kind: Mapped[ChangeKind]
    state: Mapped[BookingChangeState]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    to_pay_minor: Mapped[int] = mapped_column(BigInteger)
    returned_minor: Mapped[int] = mapped_column(BigInteger)
    kept_minor: Mapped[int] = mapped_column(BigInteger)
    agreed_at: Mapped[datetime]
    pay_by: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    booking: Mapped[Booking] = relationship()

    @property
    def to_pay(self) -> Money:
        return Money(self.to_pay_minor, self.booking.currency)
