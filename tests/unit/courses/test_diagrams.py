"""Each diagram has a text description and takes its colors from the style sheet."""

import re
from xml.etree import ElementTree as ET

import pytest
from django.template.loader import render_to_string

from courses.authoring.blocks import DIAGRAMS

SVG = "{http://www.w3.org/2000/svg}"


COLOR = re.compile(r"#[0-9a-fA-F]{3,8}$|rgb|hsl")


@pytest.fixture(params=sorted(DIAGRAMS))
def name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def drawn(name: str) -> ET.Element:
    svg = render_to_string(DIAGRAMS[name]).strip()
    return ET.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))  # noqa: S314 - our own file


def test_a_diagram_is_read_out_as_one_picture_with_a_name_and_a_description(
    drawn: ET.Element, name: str
) -> None:
    title, description = drawn.find(f"{SVG}title"), drawn.find(f"{SVG}desc")
    assert title is not None
    assert title.text
    assert description is not None
    assert description.text
    assert drawn.get("role") == "img"
    assert drawn.get("aria-labelledby") == f"{name}-title {name}-desc"
    assert (title.get("id"), description.get("id")) == (f"{name}-title", f"{name}-desc")


def test_a_diagrams_description_says_every_word_in_it(drawn: ET.Element) -> None:
    description = drawn.findtext(f"{SVG}desc", "").lower()
    words = re.findall(r"\w+", " ".join(text.text or "" for text in drawn.iter(f"{SVG}text")).lower())
    assert [word for word in words if word not in description] == []


def test_a_diagram_has_no_style_script_or_color_of_its_own(drawn: ET.Element) -> None:
    for element in drawn.iter():
        assert element.tag not in {f"{SVG}style", f"{SVG}script", f"{SVG}image"}
        assert not [key for key in element.attrib if key == "style" or key.startswith("on")]
        assert not [value for value in element.attrib.values() if COLOR.match(value)]


def test_a_diagram_is_drawn_for_a_phone(drawn: ET.Element) -> None:
    assert drawn.get("viewBox", "").startswith("0 0 360 ")
