"""How currencies write money: the one list of those (ISO 4217) whose minor unit is not a hundredth."""

from __future__ import annotations

from collections.abc import Mapping

_WHOLE = ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
_THOUSANDTHS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")

DECIMALS: Mapping[str, int] = dict.fromkeys(_WHOLE, 0) | dict.fromkeys(_THOUSANDTHS, 3)
"""Currency -> digits after the point; 2 where it is not here."""

MINOR_UNITS = f"multiIf(currency IN {_WHOLE}, 1, currency IN {_THOUSANDTHS}, 1000, 100)"
"""SQL: how many minor units a major unit of the column `currency` has."""
