"""What Stripe can charge: presentment currencies and the least and most of each.

Source: docs.stripe.com/currencies, the list of presentment currencies and the table of minimums. No TMT, no IRR.
"""

from decimal import Decimal

_PRESENTMENT = """
usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny
cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd
jpy kes kgs khr kmf krw kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio
nok npr nzd pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs top
try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw
"""
_ZERO_DECIMAL = "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf"
PRESENTMENT = frozenset(_PRESENTMENT.split())
ZERO_DECIMAL = frozenset(_ZERO_DECIMAL.split())

# Eight digits, whatever the currency.
MOST_MINOR = 99_999_999
# Stripe's table; of the currencies below the line it says "the equivalent of 0.50 USD", so these are rough.
LEAST_MINOR = {
    **{"usd": 50, "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50},
    **{"gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50},
    **{"pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000},
    # ---
    **{"rub": 4000, "kzt": 25000, "uzs": 600000, "azn": 85, "try": 2000, "gel": 135, "amd": 19000, "cny": 350},
}
LEAST_MINOR_ELSEWHERE = 50


def least_minor(currency: str) -> int:
    return LEAST_MINOR.get(currency, LEAST_MINOR_ELSEWHERE)


def major(minor: int, currency: str) -> Decimal:
    """The amount as people write it, before formatting."""
    return Decimal(minor).scaleb(0 if currency in ZERO_DECIMAL else -2)
