"""An answer is found however it is written, and nothing else is taken for it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.tutor.matching import contains, read_number

EN, ES = "en", "es"


@pytest.mark.parametrize(
    ("form", "text", "language"),
    [
        # Numbers
        ("58,500", "That leaves 58500.", EN),
        ("58500", "It is **58,500**.", EN),
        ("977", "977 years later", EN),
        ("13", "Four quarters make thirteen.", EN),
        ("21", "that is twenty-one altogether", EN),
        ("31.4 cm", "C = 3.14 × 10 = 31.4 cm", EN),
        ("0.5", "It is .5 exactly", EN),
        ("300000000", "about 3 × 10^8 meters", EN),
        ("300000000", r"about $3 \times 10^{8}$ meters", EN),
        ("1250", "Son 1.250 personas.", ES),
        ("1250", "Son 1,250 personas.", ES),
        ("1,5 A", "La corriente es de 1.5 A.", ES),
        ("1.5", "La corriente es de 1,5 amperios.", ES),
        ("21", "son veintiuno", ES),
        ("31", "son treinta y uno", ES),
        # Negative numbers
        ("−3", "x = -3", EN),
        ("−3", "that is negative three", EN),
        ("−3", "el resultado es menos 3", ES),
        ("x > −6", "So $x > -6$.", EN),
        # Fractions, as written
        ("11/24", r"\[ \frac{20}{24} - \frac{9}{24} = \frac{11}{24} \]", EN),
        ("11/24", r"\boxed{\dfrac{11}{24}}", EN),
        ("3/4", "It is ¾ of a cup", EN),
        ("3/4", "three quarters of it", EN),
        ("2/3", "two-thirds", EN),
        ("1/2", "one half", EN),
        ("2/3", "son dos tercios", ES),
        ("2 5/8", "2⅝", EN),
        ("1 1/4", r"$1\frac{1}{4}$ cups", EN),
        ("24 ÷ 6", "24/6", EN),
        ("24/6", "24 divided by 6", EN),
        ("60 ÷ 4", "60 entre 4", ES),
        # Units
        ("60 km/h", "60 kilometers per hour", EN),
        ("60 km/h", r"60\ \text{km/h}", EN),
        ("60 km/h", "60 kilómetros por hora", ES),
        ("84 cm²", "84 square centimeters", EN),
        ("84 cm²", r"$84\,\text{cm}^2$", EN),
        ("90 cm²", "90 centímetros cuadrados", ES),
        ("140 cm³", "140 cubic centimeters", EN),
        ("4 m/s²", "4 meters per second squared", EN),
        ("7 m/s²", "7 metros por segundo al cuadrado", ES),
        ("65°", "65 degrees", EN),
        ("65°", r"65^\circ", EN),
        ("9 °C", "9 degrees Celsius", EN),
        ("15 m", "It is 15.", EN),
        ("1.5 m", "150 cm", EN),
        ("205 minutes", "3.41666 hours or 205 min", EN),
        ("$43", "43 dollars", EN),
        ("$43", r"\$43.00", EN),
        ("35%", "35 por ciento", ES),
        ("44 g/mol", "44 grams per mole", EN),
        ("100 J", "100 joules", EN),
        # Algebra and chemistry
        ("x = 11", "so x is 11", EN),
        ("x = 11", "so x equals eleven", EN),
        ("x = 13", "entonces x es igual a 13", ES),
        ("(x + 8)(x − 3)", "(x+8)(x-3)", EN),
        ("4x² − 12x + 9", "4x^2 - 12x + 9", EN),
        ("4x² − 12x + 9", "$4x^{2}-12x+9$", EN),
        ("x⁶", "x^6", EN),
        ("7 × 6", r"7 \cdot 6", EN),
        ("7 × 6", "7*6", EN),
        ("7 × 6", "7 times 6", EN),
        ("6 × 7", "6 por 7", ES),
        ("CaCl₂", "CaCl2", EN),
        # Words
        ("common denominator", "Find a **common denominator**.", EN),
        ("denominador común", "Busca un denominador comun", ES),
        ("anduvieron", "«Anduvieron»", ES),
        ("let's", "“Let’s eat”", EN),
        ("`==`", "use `==` here", EN),
    ],
)
def test_a_form_is_found(form: str, text: str, language: str) -> None:
    assert contains(text, form, language)


@pytest.mark.parametrize(
    ("form", "text", "language"),
    [
        ("7", "It is 77, 0.7, 7.5 or 1/7.", EN),
        ("3", "It is −3.", EN),
        ("−3", "8 − 3 is a subtraction", EN),
        ("36", "Write 360 or 136.", EN),
        ("11/24", "22/48", EN),
        ("3/8", "375/1000 or 13/8", EN),
        ("3/4", "2 3/4", EN),
        ("84 cm²", "84 cm", EN),
        ("16 cm", "16 cm²", EN),
        ("15 m", "15 km", EN),
        ("5 slices", "1. 5 people\n2. slices", EN),
        ("2", "1. First\n2. Second", EN),
        ("2", "**Step 2:** add", EN),
        ("CaCl", "CaCl2", EN),
        ("has", "she hasn't", EN),
        ("x = 11", "x = 1", EN),
        ("wrote", "written", EN),
        ("35", "3, 5", EN),
        ("3.5", "3, 5", EN),
        ("`eat, Grandma`", "eat Grandma", EN),
    ],
)
def test_a_form_is_not_found_in_something_else(form: str, text: str, language: str) -> None:
    assert not contains(text, form, language)


def test_eleven_in_spanish_is_a_word_of_english() -> None:
    assert contains("son once", "11", ES)
    assert not contains("I went there once", "11", EN)


numbers = st.integers(min_value=0, max_value=10**9)
decimals = st.decimals(min_value=0, max_value=10**6, places=2)
languages = st.sampled_from([EN, ES])


@given(numbers, languages)
def test_a_number_is_the_same_with_and_without_separators(number: int, language: str) -> None:
    assert contains(f"It is {number:,}.", str(number), language)
    if language == ES:
        assert contains(f"Es {number:,}.".replace(",", "."), str(number), language)


@given(decimals)
def test_a_decimal_may_be_written_with_a_comma_in_spanish(number: Decimal) -> None:
    assert contains(f"Es {str(number).replace('.', ',')} m", f"{number} m", ES)


@given(numbers, numbers, languages)
def test_another_number_is_another_number(one: int, other: int, language: str) -> None:
    assert contains(f"x = {one}", f"x = {other}", language) is (one == other)


@given(st.integers(1, 99), st.integers(1, 99), st.integers(1, 99), st.integers(1, 99))
def test_a_fraction_is_compared_as_written(a: int, b: int, c: int, d: int) -> None:
    assert contains(rf"\frac{{{a}}}{{{b}}}", f"{c}/{d}", EN) is ((a, b) == (c, d))


@given(numbers, languages)
def test_a_negative_number_is_not_the_positive_one(number: int, language: str) -> None:
    assert contains(f"f(x) = −{number + 1}", f"−{number + 1}", language)
    assert not contains(f"f(x) = −{number + 1}", str(number + 1), language)


@given(st.text(max_size=200), languages)
def test_any_text_can_be_read(text: str, language: str) -> None:
    contains(text, "x = 11 cm²", language)


@given(st.text(alphabet=" .,-−/×^0123456789$%°\\{}()", max_size=80), languages)
def test_any_muddle_of_digits_can_be_read(text: str, language: str) -> None:
    contains(text, "11/24", language)


@given(st.from_regex(r"\A[a-z]{2,8}( [a-z]{2,8}){0,3}\Z"), st.text(alphabet="abc xyz.,", max_size=20))
def test_words_are_found_wherever_they_stand(form: str, around: str) -> None:
    assert contains(f"{around} . {form} . {around}", form, EN)


@pytest.mark.parametrize(
    ("written", "language", "values"),
    [
        ("1,250", EN, {1250}),
        ("1.250", EN, {1.25}),
        ("1.250", ES, {1250, 1.25}),
        ("1,250", ES, {1250, 1.25}),
        ("1.250,5", ES, {1250.5}),
        ("1,250.5", ES, {1250.5}),
        ("0,125", ES, {0.125}),
        ("12", ES, {12}),
    ],
)
def test_a_number_has_the_values_that_it_may_have(written: str, language: str, values: set[float]) -> None:
    assert read_number(written, language) == values
