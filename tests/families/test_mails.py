"""A family email says what happened in its subject and first sentence, then what to do, and has one link."""

import re
from collections.abc import Callable

import pytest

from accounts.models import Person
from courses.learning.joint_modules import agree_to_joint_module
from courses.models import Module
from families.agreements import answer_proposal, propose_terms
from families.consents import withdraw_consent
from families.family_deletion import answer_family_deletion, request_family_deletion
from families.links import accept_invitation, create_invitation, decline_invitation, end_link
from families.models import Consent, Link, Notice
from families.terms import Terms
from mail.models import Email
from tests.english import find_english
from tests.families.conftest import agree

FAMILY = "/family/"


@pytest.fixture(autouse=True)
def _reachable(parent: Person, teen: Person) -> None:
    for person in (parent, teen):
        Consent.objects.filter(teen=person).delete()
        person.email, person.display_name = f"{person.username}@example.org", person.username.capitalize()
        person.save()


def linked(parent: Person, teen: Person) -> Link:
    return Link.objects.create(parent=parent, teen=teen)


def accept(parent: Person, teen: Person) -> str:
    link = accept_invitation(token=create_invitation(by=parent).token, by=teen)
    return f"/family/links/{link.pk}/consent"


def decline(parent: Person, teen: Person) -> str:
    decline_invitation(token=create_invitation(by=parent).token, by=teen)
    return FAMILY


def asked_for_a_change(parent: Person, teen: Person) -> str:
    link = linked(parent, teen)
    propose_terms(link=link, by=teen, terms=Terms(answers_per_day=5))
    return f"/family/links/{link.pk}/agreement"


def agreed_to_a_change(parent: Person, teen: Person) -> str:
    link = linked(parent, teen)
    propose_terms(link=link, by=parent, terms=Terms(answers_per_day=5))
    Email.objects.all().delete()
    answer_proposal(link=link, by=teen, accept=True)
    return f"/family/links/{link.pk}/agreement"


def ended_the_link(parent: Person, teen: Person) -> str:
    end_link(link=linked(parent, teen), by=teen)
    return FAMILY


def withdrew_the_consent(parent: Person, teen: Person) -> str:
    linked(parent, teen)
    agree(teen=teen, by=parent, country="US")
    Email.objects.all().delete()
    withdraw_consent(teen=teen, by=teen)
    return FAMILY


def asked_to_learn(parent: Person, teen: Person) -> str:
    module = Module(slug="mind", title="Mental Health")
    agree_to_joint_module(link=linked(parent, teen), module=module, by=teen)
    return "/learn/"


CASES: list[tuple[Callable[[Person, Person], str], str]] = [
    (accept, "{teen} said yes. You’re linked now. The tutor stays closed until you agree to it"),
    (decline, "Your invitation was declined"),
    (asked_for_a_change, "{teen} would like to change your agreement. Please answer"),
    (agreed_to_a_change, "{teen} said yes to your change"),
    (ended_the_link, "{teen} ended your link"),
    (
        withdrew_the_consent,
        "{teen} withdrew consent to the tutor. It stays closed until someone agrees again",
    ),
    (asked_to_learn, "{teen} would like to take a module with you"),
]


@pytest.mark.parametrize(("happen", "subject"), CASES)
def test_an_email_says_what_happened_and_nothing_about_a_teens_activity(
    happen: Callable[[Person, Person], str], subject: str, parent: Person, teen: Person
) -> None:
    path = happen(parent, teen)
    mail = Email.objects.get(to=parent.email)
    assert mail.subject == subject.format(teen=teen)
    assert mail.text.startswith(mail.subject)
    (link,) = re.findall(r"https?://\S+", mail.text)
    assert link.endswith(path)
    # What to do is between the first sentence and the link.
    assert len(mail.text.split("\n\n")[0]) > len(mail.subject) + 10
    assert "Mental Health" not in mail.text


@pytest.mark.parametrize("happen", [case[0] for case in CASES])
def test_an_email_and_its_notice_are_in_the_language_of_their_reader(
    happen: Callable[[Person, Person], str], parent: Person, teen: Person
) -> None:
    """Not in that of the page on which the other person did something."""
    Person.objects.filter(pk=parent.pk).update(language="es")
    parent.refresh_from_db()
    happen(parent, teen)
    mail = Email.objects.get(to=parent.email)
    assert mail.language == "es"
    assert find_english(f"<p>{mail.subject}</p><p>{mail.text}</p>") == []
    notice = Notice.objects.filter(person=parent).latest("pk")
    assert find_english(f"<p>{notice.text}</p>", names=["Mental Health"]) == []


def test_the_parent_is_notified_of_a_teens_answer_about_deletion(
    parent: Person, teen: Person, born_15: Person
) -> None:
    Person.objects.filter(pk=teen.pk).update(born=born_15.born.replace(year=born_15.born.year - 2))  # type: ignore[union-attr]
    teen.refresh_from_db()
    linked(parent, teen)
    request_family_deletion(parent=parent)
    answer_family_deletion(teen=teen, parent=parent, agree=True)
    mail = Email.objects.get(to=parent.email)
    assert mail.subject == f"{teen} said yes: their account will be deleted with yours"
    assert mail.text.rstrip().endswith("/family/data")
