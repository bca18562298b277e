"""Whose share it is: opened by the payer's private link, or by whoever may open the booking."""

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.accounts.links import is_token, link_token_of
from portal.accounts.visitors import grant, granted
from portal.database import db
from portal.kernel.errors import NotFound
from portal.payments.shares.models import PaymentShare


def share_token(share: PaymentShare) -> str:
    """What a payer's private link carries: worked out, so that nothing secret is stored."""
    return link_token_of("share links", f"{share.reference}:{share.link_version}")


def open_by_share_link(reference: str, token: str) -> None:
    """Let in whoever shows a payer's private link, of its present version. Raises NotFound otherwise."""
    share = _share(reference)
    if not is_token(token, share_token(share)):
        raise NotFound(reference)
    grant(_grant(share))


def own_share(reference: str) -> PaymentShare:
    """The share, for whoever came by its own link; for everyone else, the booking's holder too, NotFound."""
    share = _share(reference)
    if not granted(_grant(share)):
        raise NotFound(reference)
    return share


def share_in(booking_id: int, reference: str) -> PaymentShare:
    """A share of a booking that the visitor may open. Raises NotFound."""
    share = _share(reference)
    if share.booking_id != booking_id:
        raise NotFound(reference)
    return share


def _share(reference: str) -> PaymentShare:
    share = db.session.scalars(
        select(PaymentShare).where(PaymentShare.reference == reference).options(joinedload(PaymentShare.booking))
    ).one_or_none()
    if share is None:
        raise NotFound(reference)
    return share


def _grant(share: PaymentShare) -> str:
    return f"share.{share.reference}.{share.link_version}"
