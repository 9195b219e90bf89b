import pytest
from django.http import Http404

from kit.found import or_404


def test_what_is_missing_is_a_404() -> None:
    with pytest.raises(Http404) as answered, or_404(KeyError):
        raise KeyError
    assert isinstance(answered.value.__cause__, KeyError)


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(ValueError, match="tea"), or_404(KeyError, LookupError):
        raise ValueError("tea")


def test_what_is_found_is_returned() -> None:
    def found() -> str:
        with or_404(KeyError):
            return {"kettle": "on"}["kettle"]

    assert found() == "on"
