"""A zone is chosen by city and stored by its current name. A guess is shown as one until confirmed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from accounts.zones import (
    build_zone_choices,
    find_canonical_zone,
    format_city,
    format_zone_name,
    guess_zone,
    list_old_names,
    list_zone_countries,
    list_zone_names,
)


@pytest.mark.parametrize(
    ("name", "present"),
    [
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("US/Pacific", "America/Los_Angeles"),
        ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("GB", "Europe/London"),
        ("Etc/UTC", "UTC"),
        ("Zulu", "UTC"),
        # A link in the database, but still a country's own zone.
        ("Europe/Oslo", "Europe/Oslo"),
        ("Europe/Madrid", "Europe/Madrid"),
        ("Etc/GMT+3", "Etc/GMT+3"),
        ("Mars/Olympus", None),
        ("", None),
        ("localtime", None),
        ("../../etc/passwd", None),
        ("Europe/Madrid\0", None),
    ],
)
def test_an_old_name_is_the_present_one(name: str, present: str | None) -> None:
    assert find_canonical_zone(name) == present


def test_a_zone_by_its_present_name_has_the_same_clock() -> None:
    for name in list_zone_names():
        present = find_canonical_zone(name)
        assert present
        for month in (1, 7):
            moment = datetime(2027, month, 1, 12, tzinfo=UTC)
            local = moment.astimezone(ZoneInfo(present))
            assert local.utcoffset() == moment.astimezone(ZoneInfo(name)).utcoffset(), name


class TestCities:
    @pytest.mark.parametrize(
        ("zone", "english", "spanish"),
        [
            ("America/New_York", "New York", "Nueva York"),
            ("Europe/London", "London", "Londres"),
            ("America/Argentina/Buenos_Aires", "Buenos Aires", "Buenos Aires"),
            ("Asia/Calcutta", "Kolkata", "Kolkata"),
            ("Etc/GMT+3", "GMT+3", "GMT+3"),
            ("UTC", "UTC", "UTC"),
        ],
    )
    def test_are_named_in_the_readers_language(self, zone: str, english: str, spanish: str) -> None:
        assert format_city(zone) == english
        with translation.override("es"):
            assert format_city(zone) == spanish

    def test_stand_for_a_clock(self) -> None:
        assert format_zone_name(ZoneInfo("Europe/Madrid")) == "Madrid time"
        assert format_zone_name(ZoneInfo("UTC")) == "UTC"
        with translation.override("es"):
            assert format_zone_name(ZoneInfo("America/New_York")) == "hora de Nueva York"

    @pytest.mark.parametrize("language", ["en", "es"])
    def test_are_all_in_the_list_once_with_the_time_there_and_the_likely_first(self, language: str) -> None:
        now = datetime(2026, 11, 29, 17, 42, tzinfo=UTC)
        with translation.override(language):
            (_likely, first), *areas = build_zone_choices(["Asia/Calcutta", ""], now=now)
        assert first[0][0] == "Asia/Kolkata"
        assert "11:12" in first[0][1].replace("23:12", "11:12")
        listed = [zone for _area, choices in areas for zone, _label in choices]
        assert sorted(listed) == sorted([*list_zone_countries(), "UTC"])
        labels = dict(choice for _area, choices in areas for choice in choices)
        assert "_" not in "".join(labels.values())
        assert "/" not in "".join(labels.values())
        madrid = {"en": "Madrid, Spain · 6:42 p.m.", "es": "Madrid, España · 18:42"}
        assert labels["Europe/Madrid"] == madrid[language]

    def test_of_the_same_name_say_where_they_are(self) -> None:
        labels = [label for _area, choices in build_zone_choices([])[1:] for _zone, label in choices]
        assert len(set(labels)) == len(labels)


class TestAGuess:
    @pytest.mark.parametrize(
        ("languages", "zone"),
        [
            ("en-GB,en;q=0.9", "Europe/London"),
            ("es-ES", "Europe/Madrid"),
            ("es-MX,es;q=0.8", "America/Mexico_City"),
            ("es,en-NZ;q=0.5", "Pacific/Auckland"),
            ("zh-Hant-TW", "Asia/Taipei"),
            # In a country with many zones, the site's own.
            ("en-US,en", "America/Los_Angeles"),
            ("es-419", "America/Los_Angeles"),
            ("en", "America/Los_Angeles"),
            ("", "America/Los_Angeles"),
            ("*;q=x,,-", "America/Los_Angeles"),
        ],
    )
    def test_is_the_country_that_the_browser_names(self, languages: str, zone: str) -> None:
        assert guess_zone(languages) == zone


def test_every_zone_that_a_browser_may_still_name_is_found_in_the_list() -> None:
    # Chromium's names that differ from the database's.
    for old in ("Asia/Calcutta", "Asia/Katmandu", "Asia/Rangoon", "Asia/Saigon", "Europe/Kiev", "Atlantic/Faeroe",
                "America/Godthab", "America/Indianapolis", "Pacific/Ponape", "Pacific/Enderbury"):  # fmt: skip
        assert old in [name for names in list_old_names().values() for name in names]
