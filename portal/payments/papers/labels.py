"""Names of papers of money, in words for people."""

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from flask_babel.speaklater import LazyString

from portal.payments.papers.models import PaperKind

PAPERS: dict[PaperKind, LazyString] = {
    PaperKind.INVOICE: lazy_pgettext("what a booking costs", "Invoice"),  # not the one that asks for a transfer
    PaperKind.CREDIT_NOTE: _l("Credit note"),
    PaperKind.RECEIPT: _l("Receipt of payment"),
    PaperKind.REFUND_RECEIPT: _l("Receipt of returned money"),
}
