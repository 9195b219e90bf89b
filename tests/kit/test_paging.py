"""Pages of a list: `page_of` is tested on every list that uses it (tests/chat/test_history.py), and here by itself."""

import pytest
from django.http import Http404

from accounts.models import Person
from kit.paging import paginate

pytestmark = [pytest.mark.django_db]


def test_the_last_page_has_no_cursor() -> None:
    for number in range(4):
        Person.objects.create(username=f"p{number}", role="parent")
    page = paginate(Person.objects.all(), by="joined_at", size=2)
    assert page.older
    last = paginate(Person.objects.all(), by="joined_at", size=2, cursor=page.older)
    assert not last.older
    assert [person.username for person in (*page.rows, *last.rows)] == ["p3", "p2", "p1", "p0"]


@pytest.mark.parametrize("cursor", ["x", "_", "1_", "1_x", f"{'9' * 30}_1", "-" * 50, "٣_x"])
def test_an_invalid_cursor_is_not_found(cursor: str) -> None:
    with pytest.raises(Http404):
        paginate(Person.objects.all(), by="joined_at", size=2, cursor=cursor)


def test_a_key_that_no_row_can_have_ends_the_list_there() -> None:
    Person.objects.create(username="p", role="parent")
    assert not paginate(Person.objects.all(), by="joined_at", size=2, cursor=f"1_{'9' * 30}").rows
