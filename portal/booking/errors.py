"""What the rules of a booking refuse."""

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused


class NoAdult(Refused):
    message = _l("At least one passenger must be 18 or older. Please check the birth dates.")


class MinorsAlone(Refused):
    """Minors in a cabin of their own; the waiver of an adult of the same booking mends it."""

    def __init__(self, *, number: str) -> None:
        super().__init__(number)
        self.message = _l(
            "There is no adult in cabin %(number)s with a passenger under 18. Please let an adult sleep there, or tick "
            "below that you answer for them.",
            number=number,
        )


class NobodyInCabin(Refused):
    def __init__(self, *, number: str) -> None:
        super().__init__(number)
        self.message = _l(
            "Nobody sleeps in cabin %(number)s. Please put someone there, or give the cabin back.", number=number
        )


class TooManyForCabin(Refused):
    def __init__(self, *, number: str) -> None:
        super().__init__(number)
        self.message = _l(
            "The passengers of cabin %(number)s need more berths than it has: only a child under 2 travels without a "
            "berth of its own. Please check the birth dates, or choose another cabin for one of them.",
            number=number,
        )


class DifferentParts(Refused):
    message = _l("One booking is for one part of the voyage. Please make a booking for each part.")


class PartStays(Refused):
    message = _l(
        "That sailing does not offer the part of the voyage between your ports. Please choose another sailing, or "
        "write to us."
    )


class SamePassengerTwice(Refused):
    message = _l("Two passengers have the same document. Please check the numbers.")


class PassengersClosed(Refused):
    message = _l("Nothing can be changed here any more: the booking was given up, or the cruise has begun.")


class NobodyToFile(Refused):
    message = _l("This list would name nobody: there is no confirmed passenger for it yet.")


class ReasonMissing(Refused):
    message = _l("Please say why: the guest reads it.")


class AlreadyDecided(Refused):
    message = _l("This request has been decided or taken back meanwhile.")


class CompanionKnown(Refused):
    message = _l("Somebody with this name and date of birth stands in your list already.")


class ListFull(Refused):
    message = _l("Your list is full. Please take somebody out first.")


class NotPayable(Refused):
    message = _l("This booking does not wait for a payment now.")


class QuoteOver(Refused):
    message = _l("This saved price is over. Choose the cabin again: you see today's price before you agree to it.")


class QuoteUsed(Refused):
    message = _l("This saved price has been used for a booking already. Another cabin has today's price.")


class QuoteDoesNotFit(Refused):
    message = _l("This party does not fit the cabin, so there is no price to save. Choose a larger cabin.")


class NotChangeable(Refused):
    message = _l("This booking cannot be changed now: it is not paid yet, it was given up, or the cruise has begun.")


class ChangeUnderWay(Refused):
    message = _l(
        "Another change of this booking waits for its payment. Please pay for it or give it up first; both are on "
        "the page of the booking."
    )


class ChangeMoved(Refused):
    message = _l("Prices or cabins have moved since you looked. Nothing was done; please look at the new sums.")


class NothingChanges(Refused):
    message = _l("This is how the booking stands already. Please choose something else.")


class NobodyLeft(Refused):
    message = _l("Nobody would be left in the booking. Please cancel the whole booking instead.")


class AdultNeeded(Refused):
    message = _l(
        "An adult has to travel in the booking, and to sleep in each cabin with a passenger under 18. "
        "Please choose a change after which that is so."
    )


class AnotherPerson(Refused):
    message = _l(
        "That is more than a slip of the pen: so many letters make it another person. "
        "Please cancel this passenger and add the other one."
    )
