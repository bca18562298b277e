"""How well passports and cards are read: specimens of our own making, and what came of them.

    nice -n 19 .venv/bin/python -m scripts.measure_passports [OF_EACH_KIND]

Fifty passports of each kind, and a third as many cards of each kind and size.

A page counts as read when surname, given names, number, citizenship, both dates and sex are all exact. A wrong
reading is one that the reader calls certain though it is not what stands on the page: there must be none.
"""

from __future__ import annotations

import sys
import time
from datetime import date
from statistics import median

from portal.visas import mrz_cage
from portal.visas.mrz import Format, Mrz, merge, parse
from tests.visas.specimens import KINDS, specimen

GOALS = {"clean": 98, "flat": 98, "rough": 90, "phone": 80}
MOST_SECONDS = 2.0
TODAY = date(2024, 2, 15)
FIRST_SEED = 1000  # none of those that the reader was built with


def main(count: int) -> int:
    finder = mrz_cage.Finder()
    mrz_cage.Finder = lambda: finder  # type: ignore[assignment,misc]
    missed_goals = 0
    for form, kind in ((form, kind) for form in Format for kind in KINDS):
        pages = count if form is Format.TD3 else max(1, count // 3)
        exact, wrong, found, unsure, seconds = 0, 0, 0, 0, []
        for seed in range(FIRST_SEED, FIRST_SEED + pages):
            of = specimen(kind, seed, form)
            began = time.process_time()
            readings = [mrz for lines in mrz_cage.read(of.content) if (mrz := parse(lines, TODAY))]
            seconds.append(time.process_time() - began)
            if not readings:
                print(f"  {form} {kind} {seed}: nothing found", flush=True)
                continue
            found += 1
            mrz, holder = merge(readings), of.holder
            right = {
                "surname": holder.surname,
                "given_names": holder.given_names,
                "number": holder.number,
                "nationality": holder.nationality,
                "birth_date": holder.birth_date.isoformat(),
                "sex": holder.sex,
                "expires": holder.expires.isoformat(),
            }
            differing = [name for name, text in right.items() if getattr(mrz, name).text != text]
            exact += not differing
            wrong += any(getattr(mrz, name).certainty.certain for name in differing)
            unsure += _has_unsure(mrz, right)
            if differing:
                print(f"  {form} {kind} {seed}: {', '.join(differing)}", flush=True)
        share = 100 * exact / pages
        missed_goals += share < GOALS[kind] or wrong > 0 or max(seconds) > MOST_SECONDS
        print(f"{form} {kind}: {share:.0f} % of {pages} exact (goal {GOALS[kind]} %), lines found on {found},")
        print(f"  with an unsure field {unsure}, certain but wrong {wrong},")
        print(f"  processor seconds: median {median(seconds):.2f}, most {max(seconds):.2f}", flush=True)
    return 1 if missed_goals else 0


def _has_unsure(mrz: Mrz, names: dict[str, str]) -> bool:
    return any(getattr(mrz, name).certainty.value == "unsure" for name in names)


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50))
