"""The zones that a visitor can choose."""

import pytest

from events.zones import CITIES, find_zone


@pytest.mark.parametrize("zone", CITIES)
def test_every_city_of_the_list_is_a_zone(zone: str) -> None:
    assert find_zone(zone)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "Europe/Berlin\x00"])
def test_an_unknown_zone_is_none(name: str) -> None:
    assert find_zone(name) is None
