import pytest
from django.http import Http404

from kit.not_found import raise_404_on


def test_a_missing_row_is_a_404() -> None:
    with pytest.raises(Http404) as answered, raise_404_on(KeyError):
        raise KeyError
    assert isinstance(answered.value.__cause__, KeyError)


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(ValueError, match="tea"), raise_404_on(KeyError, LookupError):
        raise ValueError("tea")


def test_a_row_that_exists_is_returned() -> None:
    def answer() -> str:
        with raise_404_on(KeyError):
            return {"kettle": "on"}["kettle"]

    assert answer() == "on"
