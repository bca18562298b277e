"""Names of outcomes, states and reasons, in words for people."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.visas.changes import Cause
from portal.visas.comparison import Verdict
from portal.visas.feasibility import Chance
from portal.visas.models import Decision, ItemState, ProposalState, ReturnReason
from portal.visas.rules import Border, Outcome
from portal.visas.terms import Confidence, PapersStanding, Regime, SeaAccess, Severity

ITEM_STATES: dict[ItemState, LazyString] = {
    ItemState.TODO: _l("To hand in"),
    ItemState.IN_REVIEW: _l("In review"),
    ItemState.CHANGES_REQUESTED: _l("Please hand in again"),
    ItemState.ACCEPTED: _l("Accepted"),
    ItemState.WAIVED: _l("Waived by us"),
    ItemState.NOT_APPLICABLE: _l("Not needed any more"),
}
WE_ARRANGE = _l("We arrange it")  # instead of a state, where the operator gets the paper
AT_THE_BORDER = _l("At the border")
# The kind of the status mark (templates/components/page.html) that goes with each.
ITEM_TONES: dict[ItemState, str] = {
    ItemState.TODO: "neutral",
    ItemState.IN_REVIEW: "wait",
    ItemState.CHANGES_REQUESTED: "bad",
    ItemState.ACCEPTED: "good",
    ItemState.WAIVED: "good",
    ItemState.NOT_APPLICABLE: "neutral",
}
SEVERITIES: dict[Severity, LazyString] = {
    Severity.BLOCKING: _l("Will not do as it is"),
    Severity.REQUIRED: _l("Required"),
    Severity.CONDITIONAL: _l("Only in the case named"),
    Severity.RECOMMENDED: _l("Recommended"),
}
REGIMES: dict[Regime, LazyString] = {
    Regime.OWN_NATIONAL: _l("Own citizens"),
    Regime.VISA_FREE: _l("No visa"),
    Regime.VISA_FREE_GROUP: _l("No visa, in a listed group"),
    Regime.EVISA: _l("Electronic visa"),
    Regime.VISA: _l("Visa"),
    Regime.VISA_LOI: _l("Visa with letter of invitation"),
    Regime.REFUSED: _l("Entry refused"),
}
OUTCOMES: dict[Outcome, LazyString] = {
    Outcome.MET: _l("Nothing to get"),
    Outcome.NEEDED: _l("Papers needed"),
    Outcome.IMPOSSIBLE: _l("Entry is refused"),
    Outcome.UNKNOWN: _l("Our staff must find out"),
}
OUTCOME_TONES: dict[Outcome, str] = {
    Outcome.MET: "good",
    Outcome.NEEDED: "info",
    Outcome.IMPOSSIBLE: "bad",
    Outcome.UNKNOWN: "wait",
}
BORDERS: dict[Border, LazyString] = {
    Border.OPEN: _l("Passengers of ships are let in."),
    Border.PRIOR_ONLY: _l("The visa must be in the passport before boarding."),
    Border.CHECK_PORT: _l("It is not yet confirmed that this port takes electronic visas; we are checking."),
    Border.CHECK_BORDER: _l("Whether the sea border lets passengers through is not confirmed; we are checking."),
    Border.BLOCKED: _l("The sea border is closed to passengers at present, visa or not; this call may be replaced."),
    Border.BY_AIR: _l("The land and sea borders are closed to passengers at present: come by air before boarding."),
}
CONFIDENCES: dict[Confidence, LazyString] = {
    Confidence.CONFIRMED: _l("confirmed by two or more sources"),
    Confidence.ONE_SOURCE: _l("one source, needs checking"),
    Confidence.INFERRED: _l("worked out, needs checking"),
}
DECISIONS: dict[Decision, LazyString] = {
    Decision.ACCEPTED: _l("Accepted"),
    Decision.RETURNED: _l("Sent back"),
}
# Short, for the reviewer who chooses.
RETURN_REASONS: dict[ReturnReason, LazyString] = {
    ReturnReason.BLURRED: _l("Blurred or with glare"),
    ReturnReason.CROPPED: _l("Cut off"),
    ReturnReason.WRONG_DOCUMENT: _l("Another document"),
    ReturnReason.EXPIRED: _l("Expired"),
    ReturnReason.EXPIRES_TOO_EARLY: _l("Expires too early"),
    ReturnReason.NAME_MISMATCH: _l("Name or date differs"),
    ReturnReason.UNREADABLE_MRZ: _l("Machine-readable lines unreadable"),
    ReturnReason.NOT_TRANSLATED: _l("Translation missing"),
    ReturnReason.OTHER: _l("Something else (write a note)"),
}
# Whole, for the guest who reads what to do.
GUEST_REASONS: dict[ReturnReason, LazyString] = {
    ReturnReason.BLURRED: _l("We cannot read the picture: it is blurred or light is reflected. Please take it again."),
    ReturnReason.CROPPED: _l("Part of the document is missing. Please take it again with all four corners."),
    ReturnReason.WRONG_DOCUMENT: _l("This is another document than the one asked for. Please hand in the right one."),
    ReturnReason.EXPIRED: _l("This document has expired. Please hand in a valid one."),
    ReturnReason.EXPIRES_TOO_EARLY: _l(
        "This document expires too early for the countries of your voyage. Please renew it and hand in the new one."
    ),
    ReturnReason.NAME_MISMATCH: _l(
        "Name, date of birth or number differ from what you typed in the booking. Hand in the right document, or write"
        " to us so that we correct the booking."
    ),
    ReturnReason.UNREADABLE_MRZ: _l(
        "The two lines of letters and figures at the bottom of the page cannot be read. Please take the picture again."
    ),
    ReturnReason.NOT_TRANSLATED: _l(
        "A certified translation is missing. Please hand in the document together with it."
    ),
    ReturnReason.OTHER: _l("Our reviewer wrote you a note."),
}
STANDINGS: dict[PapersStanding, LazyString] = {
    PapersStanding.NOT_STARTED: _l("Nothing handed in yet"),
    PapersStanding.IN_PROGRESS: _l("Being handed in"),
    PapersStanding.IN_REVIEW: _l("Being checked"),
    PapersStanding.ACTION_NEEDED: _l("Something came back"),
    PapersStanding.READY: _l("All in order"),
    PapersStanding.AT_RISK: _l("Time is running out"),
    PapersStanding.BLOCKED: _l("Something is in the way"),
}
STANDING_TONES: dict[PapersStanding, str] = {
    PapersStanding.NOT_STARTED: "neutral",
    PapersStanding.IN_PROGRESS: "wait",
    PapersStanding.IN_REVIEW: "wait",
    PapersStanding.ACTION_NEEDED: "bad",
    PapersStanding.READY: "good",
    PapersStanding.AT_RISK: "bad",
    PapersStanding.BLOCKED: "bad",
}

# What was typed beside what was read in the passport, by portal.visas.comparison.
COMPARED: dict[str, LazyString] = {
    "surname": _l("Surname"),
    "given_names": _l("Given names"),
    "birth_date": _l("Date of birth"),
    "sex": _l("Sex"),
    "citizenship": _l("Citizenship"),
    "number": _l("Number"),
    "expires": _l("Valid until"),
}
VERDICTS: dict[Verdict, LazyString] = {
    Verdict.SAME: _l("The same"),
    Verdict.VARIANT: _l("Another spelling of this name"),
    Verdict.DIFFERENT: _l("Differs from what was typed"),
    Verdict.UNSURE: _l("Not read for certain: please look"),
    Verdict.UNTYPED: _l("Nothing was typed"),
}
VERDICT_TONES: dict[Verdict, str] = {
    Verdict.SAME: "good",
    Verdict.VARIANT: "good",
    Verdict.DIFFERENT: "bad",
    Verdict.UNSURE: "wait",
    Verdict.UNTYPED: "neutral",
}

# What a program measured in a portrait, by portal.visas.photo: what is so, and how to mend it.
PHOTO_CHECKS: dict[str, LazyString] = {
    "size": _l("Size"),
    "face": _l("Face"),
    "head": _l("Height of the head"),
    "eyes": _l("Eyes"),
    "background": _l("Background"),
    "light": _l("Light"),
    "sharpness": _l("Sharpness"),
}
PHOTO_SAYS: dict[str, LazyString] = {
    "size_met": _l("%(width)s × %(height)s pixels: enough."),
    "proportion": _l(
        "%(width)s × %(height)s pixels: the sides must be as %(wide)s to %(high)s, as on a photo of %(wide)s × %(high)s"
        " mm. Please cut it to this shape."
    ),
    "proportion_pixels": _l(
        "%(width)s × %(height)s pixels: the sides must be as %(wide)s to %(high)s. Please cut it to this shape."
    ),
    "small": _l(
        "%(width)s × %(height)s pixels: at least %(least_width)s × %(least_height)s are wanted. Please send the photo"
        " as the camera made it, or take it from nearer."
    ),
    "face_met": _l("One face."),
    "no_face": _l("No face was found for certain. If it is plain to see, leave it so: a reviewer looks at it."),
    "faces": _l("%(number)s faces. Nobody else and no other picture may be in the photo: please take it again."),
    "head_met": _l("%(share)s %% of the height: right."),
    "head_nearly": _l("About %(share)s %% of the height, where %(least)s to %(most)s are wanted: a reviewer decides."),
    "head_small": _l(
        "%(share)s %% of the height, where %(least)s to %(most)s are wanted. Please cut the photo closer around the"
        " head."
    ),
    "head_large": _l(
        "%(share)s %% of the height, where %(least)s to %(most)s are wanted. Please leave more room around the head."
    ),
    "head_unsure": _l(
        "It could not be measured. The head, from crown to chin, should take %(least)s to %(most)s %% of the height."
    ),
    "eyes_met": _l("At the right height, and level."),
    "eyes_low": _l("Too low in the picture. Please cut off less at the bottom, or hold the camera lower."),
    "eyes_high": _l("Too high in the picture. Please leave more room above the head."),
    "eyes_unsure": _l("They were not found for certain. Both must be open, uncovered and without reflections."),
    "tilted": _l("The head leans by %(degrees)s°. Please hold it straight and take the photo again."),
    "background_met": _l("Light and even."),
    "not_white": _l("It is not white. Please stand before a white wall, in daylight."),
    "not_light": _l("It is too dark. Please stand before a white or very light wall."),
    "shadow_behind": _l("There is a shadow on it. Please stand half a metre away from the wall, the light before you."),
    "uneven": _l("Something shows in it. Please stand before a plain wall, without furniture or patterns."),
    "light_met": _l("Even on the face."),
    "shadow_on_face": _l("One half of the face is %(share)s %% darker. Please turn your face to the window."),
    "sharp": _l("Sharp."),
    "soft": _l("A little soft: a reviewer decides. A photo with the camera held still would be surer."),
    "blurred": _l("Blurred. Please wipe the lens, hold the camera still and take the photo again in daylight."),
}

CHANCES: dict[Chance, LazyString] = {
    Chance.CAN: _l("Can still be done"),
    Chance.ONLY_WITH: _l("Only on a condition"),
    Chance.ASK: _l("Our staff must decide"),
    Chance.CANNOT: _l("Cannot be done"),
}
CHANCE_TONES: dict[Chance, str] = {
    Chance.CAN: "good",
    Chance.ONLY_WITH: "wait",
    Chance.ASK: "info",
    Chance.CANNOT: "bad",
}
CHANCE_SIGNS: dict[Chance, str] = {
    Chance.CAN: "check",
    Chance.ONLY_WITH: "clock",
    Chance.ASK: "info",
    Chance.CANNOT: "cross",
}
# What stands in the way, beginning a line that ends in the countries of which it holds.
IN_SHORT: dict[str, LazyString] = {
    "regime_refused": _l("Entry is refused"),
    "too_late": _l("Too late for the papers"),
    "border_blocked_border": _l("Our staff decide, the sea border is closed"),
    "border_check_border": _l("Our staff decide, the sea border is not confirmed"),
    "border_check_port": _l("Our staff decide, the port may not take e-visas"),
    "call_unsure": _l("The call waits for a permission"),
    "no_rule": _l("Our staff must find out"),
    "by_analogy": _l("Our staff must find out"),
    "stays_too_long": _l("Our staff must find out"),
    "entered_too_often": _l("Our staff must find out"),
    "list_too_small": _l("Our staff must find out"),
    "leaving_by_sea": _l("Our staff must find out"),
    "passport_renewed": _l("Only with a renewed passport"),
    "list_to_come": _l("Only in our listed group"),
    "with_luck": _l("Only with luck, little time is left"),
    "border_by_air": _l("Only if you come by air"),
}

PROPOSAL_STATES: dict[ProposalState, LazyString] = {
    ProposalState.DRAFT: _l("Draft"),
    ProposalState.PROPOSED: _l("Waits for a second person"),
    ProposalState.APPROVED: _l("Approved"),
    ProposalState.DECLINED: _l("Declined"),
    ProposalState.TAKEN_BACK: _l("Taken back"),
}
PROPOSAL_TONES: dict[ProposalState, str] = {
    ProposalState.DRAFT: "neutral",
    ProposalState.PROPOSED: "wait",
    ProposalState.APPROVED: "good",
    ProposalState.DECLINED: "bad",
    ProposalState.TAKEN_BACK: "neutral",
}
SEA_ACCESSES: dict[SeaAccess, LazyString] = {
    SeaAccess.YES: _l("By sea: yes"),
    SeaAccess.PRIOR_ONLY: _l("By sea: with the visa before boarding"),
    SeaAccess.CHECK_PORT: _l("By sea: port to be confirmed"),
    SeaAccess.BLOCKED_BORDER: _l("By sea: border closed"),
    SeaAccess.CHECK_BORDER: _l("By sea: border to be confirmed"),
    SeaAccess.NO: _l("By sea: no"),
}
# What each column of a rule is called for people.
RULE_COLUMNS: dict[str, LazyString] = {
    "dest": _l("Country"),
    "nationality": _l("Passport of"),
    "stands_for": _l("Holds for others, too"),
    "regime": _l("What is needed"),
    "max_stay_days": _l("Longest stay, days"),
    "entries": _l("Entries"),
    "usable_by_sea": _l("For passengers of ships"),
    "conditions_ru": _l("Conditions in Russian"),
    "conditions_tk": _l("Conditions in Turkmen"),
    "conditions_en": _l("Conditions in English"),
    "valid_from": _l("Holds from"),
    "valid_to": _l("Holds until"),
    "as_of": _l("Evidence of"),
    "confidence": _l("How sure"),
    "sources": _l("Sources"),
    "documents": _l("Documents taken"),
    "group_min": _l("Group from, persons"),
    "group_max": _l("Group up to, persons"),
    "passport_months": _l("Passport valid longer than the cruise, months"),
    "blank_pages": _l("Blank pages"),
    "photo_mm": _l("Photos, mm"),
    "invitation_p50_days": _l("Invitation, working days usually"),
    "invitation_p90_days": _l("Invitation, working days at the longest"),
    "lead_p50_days": _l("Authority, working days usually"),
    "lead_p90_days": _l("Authority, working days at the longest"),
    "fee": _l("Fee"),
    "fee_currency": _l("Currency of the fee"),
    "inferred": _l("Columns that were worked out"),
}
STANDS_FOR: dict[str, LazyString] = {
    "EU": _l("Other members of the European Union"),
    "ANY": _l("Every passport without a rule of its own"),
}

CHANGE_CAUSES: dict[Cause, LazyString] = {
    Cause.BOOKING: _l("The booking has changed."),
    Cause.SAILING: _l("The cruise has changed."),
    Cause.RULES: _l("An entry rule has changed."),
    Cause.PASSENGER: _l("The details of the passenger have changed."),
}
