import pytest
from pytest_django import Settings

from safeguarding import review
from safeguarding.checks import check_review
from safeguarding.review import is_review_recorded, is_tutor_open


@pytest.mark.parametrize(
    ("record", "counts"),
    [
        ("Dr A. Name, 2026-11-22", True),
        ("Dr A. Name,2026-01-02 ", True),
        ("", False),
        ("yes", False),
        ("2026-11-22", False),
        (", 2026-11-22", False),
        (",, 2026-11-22", False),
        ("Dr A. Name, 2026-13-40", False),
        ("Dr A. Name, 2999-01-01", False),
    ],
)
def test_a_record_needs_a_name_and_a_past_date(record: str, counts: bool) -> None:
    assert is_review_recorded(record) is counts


def test_in_demo_mode_the_tutor_is_open(settings: Settings) -> None:
    settings.DEMO, settings.CRISIS_TEXTS_REVIEW = True, ""
    assert is_tutor_open()
    assert check_review() == []


def test_outside_demo_mode_the_tutor_waits_for_the_review(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What other rooms require is theirs to test, and needs the database.
    monkeypatch.setattr(review, "_opening_checks", [])
    settings.DEMO, settings.CRISIS_TEXTS_REVIEW = False, ""
    assert not is_tutor_open()
    assert [message.id for message in check_review()] == ["safeguarding.W001"]
    settings.CRISIS_TEXTS_REVIEW = "Dr A. Name, 2026-11-22"
    assert is_tutor_open()
    assert check_review() == []
