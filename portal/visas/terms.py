"""The words in which entry rules are written."""

from enum import StrEnum


class Regime(StrEnum):
    OWN_NATIONAL = "own_national"
    VISA_FREE = "visa_free"
    VISA_FREE_GROUP = "visa_free_group"
    EVISA = "evisa"
    VISA = "visa"  # of a consulate
    VISA_LOI = "visa_loi"  # of a consulate, after a letter of invitation
    REFUSED = "refused"


class SeaAccess(StrEnum):
    YES = "yes"
    PRIOR_ONLY = "prior_only"
    CHECK_PORT = "check_port"
    BLOCKED_BORDER = "blocked_border"
    CHECK_BORDER = "check_border"
    NO = "no"


class Confidence(StrEnum):
    CONFIRMED = "confirmed"  # two or more sources
    ONE_SOURCE = "one_source"
    INFERRED = "inferred"


class Severity(StrEnum):
    BLOCKING = "blocking"  # what we know already does not do: renew it, or ask us
    REQUIRED = "required"
    CONDITIONAL = "conditional"  # required in the case that its reason names
    RECOMMENDED = "recommended"


class Supplier(StrEnum):
    GUEST = "guest"
    OPERATOR = "operator"  # we get it
    BORDER = "border"  # filled in on arrival


class PapersStanding(StrEnum):
    """How the papers of a whole booking stand."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    IN_REVIEW = "in_review"  # everything is handed in
    ACTION_NEEDED = "action_needed"  # something came back
    READY = "ready"
    AT_RISK = "at_risk"
    BLOCKED = "blocked"  # something is known to be wrong, or nobody knows yet
