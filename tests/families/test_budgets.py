"""Linked people share a budget while they are linked."""

from collections.abc import Callable

import pytest

from accounts.models import Person, Role
from budgets.allowances import get_budget, get_site_budget
from budgets.models import Budget, BudgetScope
from families import links
from families.models import Link
from privacy.services import erase_person

MakePerson = Callable[..., Person]


def create_link(parent: Person, teen: Person) -> Link:
    return links.accept_invitation(token=links.create_invitation(by=parent).token, by=teen)


def outer_budget(person: Person) -> Budget:
    parent_budget = get_budget(owner=person).parent
    assert parent_budget
    return parent_budget


@pytest.fixture
def sister(make_person: MakePerson) -> Person:
    return make_person("juno")


def test_a_parent_and_a_teen_share_a_budget(parent: Person, teen: Person) -> None:
    create_link(parent, teen)
    assert outer_budget(parent) == outer_budget(teen)
    assert (outer_budget(teen).scope, outer_budget(teen).parent) == (BudgetScope.FAMILY, get_site_budget())
    assert outer_budget(teen).time_zone == teen.time_zone


def test_a_second_parent_and_a_sister_join_it(
    parent: Person, teen: Person, sister: Person, other_parent: Person
) -> None:
    create_link(parent, teen)
    create_link(other_parent, teen)
    create_link(parent, sister)
    assert {outer_budget(person).pk for person in (parent, other_parent, teen, sister)} == {
        outer_budget(teen).pk
    }
    assert Budget.objects.filter(scope=BudgetScope.FAMILY).count() == 1


def test_two_families_connected_by_a_link_keep_their_budgets(
    parent: Person, teen: Person, sister: Person, other_parent: Person
) -> None:
    create_link(parent, teen)
    create_link(other_parent, sister)
    create_link(other_parent, teen)
    assert outer_budget(teen) == outer_budget(parent) != outer_budget(other_parent) == outer_budget(sister)


def test_a_person_without_links_leaves_it(parent: Person, teen: Person, other_parent: Person) -> None:
    first = create_link(parent, teen)
    create_link(other_parent, teen)
    family = outer_budget(teen)
    links.end_link(link=first, by=teen)
    assert outer_budget(parent) == get_site_budget()
    assert outer_budget(teen) == outer_budget(other_parent) == family


def test_a_person_moves_to_the_family_they_are_still_linked_to(
    parent: Person, teen: Person, sister: Person, other_parent: Person
) -> None:
    first = create_link(parent, teen)
    create_link(other_parent, sister)
    create_link(other_parent, teen)
    links.end_link(link=first, by=parent)
    assert outer_budget(teen) == outer_budget(other_parent)
    assert outer_budget(parent) == get_site_budget()


def test_erasing_the_parent_moves_the_teen_out(parent: Person, teen: Person) -> None:
    create_link(parent, teen)
    assert erase_person(person=parent)
    assert outer_budget(teen) == get_site_budget()


def test_turning_18_ends_it(parent: Person, teen: Person, make_person: MakePerson) -> None:
    link = create_link(parent, teen)
    links.end_link(link=link, by=None)
    assert outer_budget(teen) == outer_budget(parent) == get_site_budget()
    assert teen.role == Role.TEEN
