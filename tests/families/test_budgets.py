"""Those who are linked share one budget, as long as they are."""

from collections.abc import Callable

import pytest

from accounts.models import Person, Role
from budgets.allowances import get_budget, get_site_budget
from budgets.models import Budget, BudgetScope
from families import links
from families.models import Link
from privacy.services import erase_person

MakePerson = Callable[..., Person]


def linked(parent: Person, teen: Person) -> Link:
    return links.accept_invitation(token=links.create_invitation(by=parent).token, by=teen)


def around(person: Person) -> Budget:
    found = get_budget(owner=person).parent
    assert found
    return found


@pytest.fixture
def sister(make_person: MakePerson) -> Person:
    return make_person("juno")


def test_a_parent_and_a_teen_come_within_one_budget(parent: Person, teen: Person) -> None:
    linked(parent, teen)
    assert around(parent) == around(teen)
    assert (around(teen).scope, around(teen).parent) == (BudgetScope.FAMILY, get_site_budget())
    assert around(teen).time_zone == teen.time_zone


def test_a_second_parent_and_a_sister_come_into_it(
    parent: Person, teen: Person, sister: Person, other_parent: Person
) -> None:
    linked(parent, teen)
    linked(other_parent, teen)
    linked(parent, sister)
    assert {around(person).pk for person in (parent, other_parent, teen, sister)} == {around(teen).pk}
    assert Budget.objects.filter(scope=BudgetScope.FAMILY).count() == 1


def test_of_two_families_that_a_link_joins_each_keeps_its_own(
    parent: Person, teen: Person, sister: Person, other_parent: Person
) -> None:
    linked(parent, teen)
    linked(other_parent, sister)
    linked(other_parent, teen)
    assert around(teen) == around(parent) != around(other_parent) == around(sister)


def test_whoever_has_no_link_left_leaves_it(parent: Person, teen: Person, other_parent: Person) -> None:
    first = linked(parent, teen)
    linked(other_parent, teen)
    family = around(teen)
    links.end_link(link=first, by=teen)
    assert around(parent) == get_site_budget()
    assert around(teen) == around(other_parent) == family


def test_whoever_leaves_one_family_goes_to_another_that_they_are_linked_to(
    parent: Person, teen: Person, sister: Person, other_parent: Person
) -> None:
    first = linked(parent, teen)
    linked(other_parent, sister)
    linked(other_parent, teen)
    links.end_link(link=first, by=parent)
    assert around(teen) == around(other_parent)
    assert around(parent) == get_site_budget()


def test_an_erased_parent_leaves_the_teen_on_their_own(parent: Person, teen: Person) -> None:
    linked(parent, teen)
    assert erase_person(person=parent)
    assert around(teen) == get_site_budget()


def test_growing_up_ends_it(parent: Person, teen: Person, make_person: MakePerson) -> None:
    link = linked(parent, teen)
    links.end_link(link=link, by=None)
    assert around(teen) == around(parent) == get_site_budget()
    assert teen.role == Role.TEEN
