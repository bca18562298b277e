"""Fares by sailing and category."""

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base
from portal.kernel.money import Money


class Fare(Base):
    """What one passenger pays for the whole sailing in a cabin of a category; one currency each row."""

    __tablename__ = "fare"
    __table_args__ = (
        UniqueConstraint("sailing_id", "category_id", "currency"),
        CheckConstraint("adult_minor > 0", name="adult_positive"),
        CheckConstraint("single_minor >= adult_minor", name="single_at_least_adult"),
        CheckConstraint("child_minor > 0 AND child_minor <= adult_minor", name="child_at_most_adult"),
        CheckConstraint("extra_minor IS NULL OR extra_minor > 0", name="extra_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sailing_id: Mapped[int] = mapped_column(ForeignKey("sailing.id"))
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"), index=True)
    currency: Mapped[str] = mapped_column(String(3))
    adult_minor: Mapped[int]  # in double use
    single_minor: Mapped[int]  # one passenger alone in the cabin
    child_minor: Mapped[int]  # ages 2 to 14; equals adult_minor where the category has no child's fare
    extra_minor: Mapped[int | None]  # on an extra berth
    mark: Mapped[str] = mapped_column(String(12))  # "proposed" or "confirmed"

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
