"""Units of measurement as English and Spanish texts write them, folded to plain lower-case letters."""

import re
from fractions import Fraction
from typing import NamedTuple


class _Unit(NamedTuple):
    name: str
    pattern: str
    # What it measures and how many base units it is; "" is never converted.
    measures: str = ""
    scale: Fraction = Fraction(1)


def _per(unit: str, square: str = "") -> str:
    return rf"(?:\s?/\s?|\s(?:per|por)\s){unit}{square}"


METER, CENTIMETER = r"(?:m|met(?:er|re)s?|metros?)", r"(?:cm|centimet(?:er|re)s?|centimetros?)"
GRAM, MOLE = r"(?:g|grams?|gramos?)", r"(?:mol|moles?)"
KILOMETER, MILLIMETER = r"(?:km|kilomet(?:er|re)s?|kilometros?)", r"(?:mm|millimet(?:er|re)s?|milimetros?)"
SECOND, HOUR = r"(?:s|secs?|seconds?|segundos?)", r"(?:h|hrs?|hours?|horas?)"


def _power(unit: str, digit: int) -> str:
    english, spanish = {2: ("square|sq", "cuadrados?"), 3: ("cubic", "cubicos?")}[digit]
    return rf"(?:{unit}\s?\^?{digit}|(?:{english})\.?\s{unit}|{unit}\s(?:{spanish}|{english}d))"


UNITS = (
    _Unit("m/s^2", METER + _per(SECOND, r"(?:\s?\^?2|\ssquared|\sal\scuadrado)|\s?/\s?\(?s\)?\^?2")),
    _Unit("m/s", METER + _per(SECOND), "speed"),
    _Unit("km/h", rf"(?:kph|kmh|{KILOMETER}{_per(HOUR)})", "speed", Fraction(5, 18)),
    _Unit("g/cm^3", GRAM + _per(_power(CENTIMETER, 3))),
    _Unit("g/mol", GRAM + _per(MOLE)),
    _Unit("cm^3", _power(CENTIMETER, 3), "volume", Fraction(1, 1000)),
    _Unit("m^3", _power(METER, 3), "volume", Fraction(1000)),
    _Unit("cm^2", _power(CENTIMETER, 2), "area", Fraction(1, 10_000)),
    _Unit("m^2", _power(METER, 2), "area"),
    _Unit("mm", MILLIMETER, "length", Fraction(1, 1000)),
    _Unit("cm", CENTIMETER, "length", Fraction(1, 100)),
    _Unit("km", KILOMETER, "length", Fraction(1000)),
    _Unit("min", r"(?:min|minutes?|minutos?)", "time", Fraction(60)),
    _Unit("mol", MOLE),
    _Unit("m", METER, "length"),
    _Unit("kg", r"(?:kg|kilograms?|kilogramos?|kilos?)", "mass", Fraction(1000)),
    _Unit("g", GRAM, "mass"),
    _Unit("l", r"(?:l|lit(?:er|re)s?|litros?)", "volume"),
    _Unit("h", HOUR, "time", Fraction(3600)),
    _Unit("s", SECOND, "time"),
    _Unit("hz", r"(?:hz|hertz)"),
    _Unit("n", r"(?:n|newtons?)"),
    _Unit("j", r"(?:j|joules?|julios?)"),
    _Unit("w", r"(?:w|watts?|vatios?)"),
    _Unit("v", r"(?:v|volts?|voltios?)"),
    _Unit("a", r"(?:amps?|amperes?|amperios?|a)"),
    _Unit("ohm", r"(?:ω|ohms?|ohmios?)"),
    _Unit("°c", r"(?:°\s?c|degrees?\s(?:celsius|c)|grados?\s(?:celsius|centigrados|c))"),
    _Unit("°", r"(?:°|degrees?|grados?)"),
    _Unit("%", r"(?:%|percent|por\sciento)"),
    _Unit("$", r"(?:\$|dollars?|dolares|dolar|pesos?|usd)"),
)
SCALES = {unit.name: (unit.measures, unit.scale) for unit in UNITS if unit.measures}
_NAMED = [(unit.name, re.compile(unit.pattern)) for unit in UNITS]
UNIT_PATTERN = rf"\s?(?:{'|'.join(unit.pattern for unit in UNITS)})(?![a-zñ0-9^'])"


def find_unit(written: str) -> str:
    """Return the name of a unit as it is written; "" for none."""
    plain = written.strip()
    return next((name for name, pattern in _NAMED if pattern.fullmatch(plain)), "") if plain else ""
