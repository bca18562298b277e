"""What the rules of papers refuse."""

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused


class AlreadyAccepted(Refused):
    message = _l("This paper has been accepted already. If it has changed since, please write to us.")


class NotNeededAnyMore(Refused):
    message = _l("This paper is not needed any more: the voyage or the passenger's data have changed.")


class NotFromGuests(Refused):
    message = _l("We get this paper ourselves. There is nothing for you to upload.")


class PapersClosed(Refused):
    message = _l("No papers can be handed in for this booking now.")


class NotAReviewer(Refused):
    message = _l("Only a reviewer may decide on papers.")


class OwnSubmission(Refused):
    message = _l("You handed this paper in yourself or travel on this booking: somebody else must decide.")


class AlreadyDecided(Refused):
    message = _l("Somebody has decided on this document meanwhile. Your decision was not kept.")


class ClaimedByAnother(Refused):
    message = _l("A colleague is looking at this document now. Take the next one; this one is free again in minutes.")


class NotALead(Refused):
    message = _l("Only a lead of the reviewers may do this.")


class OwnDecision(Refused):
    message = _l("You have decided on this document yourself: somebody else must look at it now.")


class NothingToAskAgain(Refused):
    message = _l("This paper is not accepted any more, so there is nothing to ask for again.")


class NothingToWaive(Refused):
    message = _l("This paper is accepted, waived or not needed already, so there is nothing to waive.")


class CaseNotReady(Refused):
    message = _l("This step does not follow from where the case stands now. Look at the page again.")


class CaseWithoutValidity(Refused):
    message = _l("An approved visa needs its number and the days from which and until which it is valid.")


class VisaTooShort(Refused):
    message = _l("By these days the visa does not cover the call and one spare day. Ask the authority for another.")


class DayAhead(Refused):
    message = _l("This day lies ahead. Note what has happened, on the day on which it did.")


class NobodyToList(Refused):
    message = _l("Nobody stands on this list yet: only passengers whose papers are accepted come onto it.")


class ListWithGaps(Refused):
    message = _l("Sex, place of birth, number or expiry of a passport is missing for somebody. Complete that first.")


class WaiverWithoutGrounds(Refused):
    message = _l("Please say why the passenger may go without this paper, and on what that rests.")


class NothingToSettle(Refused):
    message = _l("There is nothing to settle here: both reviewers agree, or a lead has decided.")


class NewerSubmission(Refused):
    message = _l("The guest has handed in a newer document meanwhile. Please look at that one.")


class PassportWillNotDo(Refused):
    message = _l(
        "By its dates or its kind this passport will not do for this voyage, so it cannot be accepted. Send it back"
        " with the reason."
    )


class PassportNotTyped(Refused):
    message = _l(
        "The guest has not typed the number of the passport yet, so there is nothing to compare this document with."
        " It can be accepted once the number is there."
    )


class NotScannedYet(Refused):
    message = _l(
        "The virus scanner has not looked at this document yet, so it cannot be accepted. It will as soon as it"
        " answers; please take the next document until then."
    )


class NoteMissing(Refused):
    message = _l("Please write in the note what the guest should do.")


class NotTheAuthor(Refused):
    message = _l("Only whoever made this proposal may send it or take it back.")


class AnotherMustDecide(Refused):
    message = _l("You made this proposal yourself: somebody else must decide on it.")


class ProposalClosed(Refused):
    message = _l("This proposal has been decided on or taken back already.")


class NothingToChange(Refused):
    message = _l("There is nothing to change: the rules say this already.")


class RulesMovedOn(Refused):
    message = _l("The rules have changed since this was proposed. Take it back and propose the change anew.")


class WhyMissing(Refused):
    message = _l("Please write why.")


class BadRules(Exception):
    """A file of entry rules that cannot be loaded; `row` counts from 1, the heading being row 1."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(f"row {row}: {reason}")
        self.row = row
        self.reason = reason
