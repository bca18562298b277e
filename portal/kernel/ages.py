"""How old somebody is on a day."""

from datetime import date

OF_AGE = 18


def age_on(day: date, birth: date) -> int:
    """Whole years; one born on 29 February grows older on 1 March."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
