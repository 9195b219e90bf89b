"""Joint modules: two yeses start one, one no ends it, and work in it counts for both."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from courses.authoring.loading import load_library
from courses.learning import views
from courses.learning.joint_modules import agree_to_joint_module, end_joint_module
from courses.learning.records import PersonRecord
from courses.models import JointModule, LessonDone, Module, QuizAnswer, QuizQuestion
from courses.tasks import delete_expired_joint_modules
from families.links import end_link
from families.models import Link, Notice
from mail.models import Email
from privacy import registry
from privacy.services import erase_person
from tests.courses.conftest import do_all_steps_except
from tests.courses.copied import add_lesson
from tests.markup import squeezed

GB = "/learn/good-and-bad"
LESSON = f"{GB}/what-it-is"
SLUG = "good-and-bad"
pytestmark = pytest.mark.usefixtures("library")


@pytest.fixture
def sam(parent: Person, as_person: Callable[[Person], Client]) -> Client:
    return as_person(parent)


@pytest.fixture
def noor(teen: Person, as_person: Callable[[Person], Client]) -> Client:
    return as_person(teen)


def build_agree_path(link: Link) -> str:
    return f"{GB}/together/{link.pk}"


def build_end_path(link: Link) -> str:
    return f"{GB}/together/{link.pk}/end"


def read_page(client: Client, path: str = GB) -> str:
    """The page without parts that differ between requests."""
    return squeezed(re.sub(r'value="\w{64}"', "", client.get(path).content.decode()))


def options(slug: str = "average") -> list[str]:
    return [option["id"] for option in QuizQuestion.objects.get(module__language="en", slug=slug).options]


def list_done(person: Person) -> set[str]:
    return set(LessonDone.objects.filter(person=person).values_list("lesson_slug", flat=True))


def get_answer(person: Person) -> str:
    return QuizAnswer.objects.get(person=person, question_slug="average").option


class TestBeginning:
    def test_is_offered_only_to_a_family(
        self, link: Link, sam: Client, noor: Client, client: Client, stranger: Person,
        as_person: Callable[[Person], Client],
    ) -> None:  # fmt: skip
        assert "Take it with Noor" in read_page(sam)
        assert "Take it with sam" in read_page(noor)
        for other in (client, as_person(stranger)):
            assert "together with" not in read_page(other)

    @pytest.mark.parametrize("first", ["sam", "noor"])
    def test_needs_a_yes_from_both_accounts(self, first: str, link: Link, sam: Client, noor: Client) -> None:
        asker, other = (sam, noor) if first == "sam" else (noor, sam)
        assert asker.post(build_agree_path(link)).headers["Location"] == f"{GB}#together"
        assert JointModule.objects.get().agreed_at is None
        assert "It starts when they say yes" in read_page(asker)
        assert "Yes, together" in read_page(other)
        assert "would like to take" in read_page(other, "/learn/")
        asker.post(f"{LESSON}/done")
        assert LessonDone.objects.count() == 1
        other.post(build_agree_path(link))
        assert JointModule.objects.get().agreed_at
        for client in (asker, other):
            assert "You’re taking this module" in read_page(client)
            assert "would like to take" not in read_page(client, "/learn/")

    def test_does_not_start_with_two_yeses_of_one_person(self, link: Link, sam: Client) -> None:
        for _ in range(2):
            sam.post(build_agree_path(link))
        assert JointModule.objects.get().agreed_at is None
        assert Notice.objects.count() == 1

    def test_shows_the_request_on_the_partners_pages(self, link: Link, sam: Client, teen: Person) -> None:
        sam.post(build_agree_path(link))
        notice = Notice.objects.get()
        assert notice.person == teen
        assert notice.text.startswith("sam would like to take “The good and the bad of AI”")

    def test_sends_an_email_to_a_partner_with_an_address(
        self, link: Link, noor: Client, parent: Person
    ) -> None:
        parent.email = "sam@example.org"
        parent.save()
        noor.post(build_agree_path(link))
        mail = Email.objects.get()
        assert mail.subject == "Noor would like to take a module with you"
        assert mail.text.startswith(mail.subject)
        assert "good and the bad" not in mail.text.lower()

    def test_requests_after_a_no_are_rate_limited(self, link: Link, sam: Client, noor: Client) -> None:
        assert str(views.joint_module_requests.items[0]) == "5 per 1 day"
        for _ in range(5):
            assert sam.post(build_agree_path(link)).status_code == 302
            noor.post(build_end_path(link))
        assert sam.post(build_agree_path(link)).status_code == 429

    def test_covers_one_module(self, together: Link, sam: Client) -> None:
        assert "You’re taking this module" not in read_page(sam, "/learn/brain")
        sam.post("/learn/brain/what-learning-takes/done")
        assert LessonDone.objects.count() == 1

    def test_an_unknown_module_is_a_404(self, link: Link, sam: Client) -> None:
        for path in (f"/learn/none/together/{link.pk}", f"/learn/none/together/{link.pk}/end"):
            assert sam.post(path).status_code == 404

    @pytest.mark.parametrize("who", ["stranger", "admin_person"])
    def test_other_people_cannot_change_it(
        self, who: str, link: Link, sam: Client, request: pytest.FixtureRequest,
        as_person: Callable[[Person], Client],
    ) -> None:  # fmt: skip
        sam.post(build_agree_path(link))
        other = as_person(request.getfixturevalue(who))
        for path in (build_agree_path(link), build_end_path(link)):
            assert other.post(path).status_code == 404
        assert JointModule.objects.get().agreed_at is None


class TestSayingNo:
    def test_leaves_no_trace_for_the_other(
        self, link: Link, sam: Client, noor: Client, parent: Person
    ) -> None:
        before = read_page(sam)
        sam.post(build_agree_path(link))
        noor.post(build_end_path(link))
        assert read_page(sam) == before
        assert not Notice.objects.filter(person=parent).exists()
        assert not JointModule.objects.exists()

    def test_continuing_alone_leaves_no_trace(
        self, together: Link, sam: Client, noor: Client, parent: Person
    ) -> None:
        noor.post(build_end_path(together))
        assert "Take it with Noor" in read_page(sam)
        assert not Notice.objects.filter(person=parent).exists()

    def test_keeps_progress_but_stops_sharing(
        self, together: Link, sam: Client, noor: Client, parent: Person, teen: Person
    ) -> None:
        sam.post(f"{LESSON}/done")
        noor.post(build_end_path(together))
        sam.post(f"{GB}/good-at-and-bad-at/done")
        noor.post(f"{GB}/bias-in-bias-out/done")
        assert list_done(parent) == {"what-it-is", "good-at-and-bad-at"}
        assert list_done(teen) == {"what-it-is", "bias-in-bias-out"}

    def test_the_requester_can_withdraw_it(self, link: Link, sam: Client, noor: Client) -> None:
        sam.post(build_agree_path(link))
        sam.post(build_end_path(link))
        assert "Yes, together" not in read_page(noor)

    def test_a_late_yes_is_a_new_request(self, link: Link, sam: Client, noor: Client) -> None:
        sam.post(build_agree_path(link))
        sam.post(build_end_path(link))
        noor.post(build_agree_path(link))
        assert JointModule.objects.get().agreed_at is None
        assert "Yes, together" in read_page(sam)


class TestSharedWork:
    @pytest.mark.parametrize("who", ["sam", "noor"])
    def test_counts_for_both(
        self, who: str, together: Link, parent: Person, teen: Person, request: pytest.FixtureRequest
    ) -> None:
        client = request.getfixturevalue(who)
        client.post(f"{LESSON}/done")
        client.post(f"{GB}/quiz/average", {"option": options()[1]})
        for person in (parent, teen):
            assert list_done(person) == {"what-it-is"}
            assert get_answer(person) == options()[1]

    def test_on_two_screens_adds_up(
        self, together: Link, sam: Client, noor: Client, parent: Person, teen: Person, module: Module
    ) -> None:
        for at, lesson in enumerate(module.lessons.all()):
            (sam, noor)[at % 2].post(f"{GB}/{lesson.slug}/done")
        for at, asked in enumerate(module.questions.all()):
            (sam, noor)[at % 2].post(f"{GB}/quiz/{asked.slug}", {"option": asked.options[0]["id"]})
        for client in (sam, noor):
            assert "You’ve finished all of it" in read_page(client)
            assert client.post(f"{GB}/certificate", {}).status_code == 302

    def test_can_be_changed_by_either_partner(
        self, together: Link, sam: Client, noor: Client, parent: Person, teen: Person
    ) -> None:
        sam.post(f"{GB}/quiz/average", {"option": options()[1]})
        noor.post(f"{GB}/quiz/average", {"option": options()[0]})
        assert {get_answer(parent), get_answer(teen)} == {options()[0]}

    def test_every_step_names_the_partner(self, together: Link, noor: Client, sam: Client) -> None:
        for path in (LESSON, f"{GB}/quiz"):
            assert "You’re taking this with sam." in read_page(noor, path)
        sam.post(f"{GB}/quiz/average", {"option": options()[0]})
        assert "your joint answer" in read_page(noor, f"{GB}/quiz")
        assert ">your choice<" not in read_page(noor, f"{GB}/quiz")

    def test_earlier_work_is_not_shared(
        self, link: Link, module: Module, parent: Person, teen: Person
    ) -> None:
        do_all_steps_except(teen, "talk-about-it")
        agree_to_joint_module(link=link, module=module, by=parent)
        agree_to_joint_module(link=link, module=module, by=teen)
        assert not list_done(parent)
        assert not QuizAnswer.objects.filter(person=parent).exists()

    def test_a_visitors_work_is_not_shared_after_sign_in(
        self, together: Link, client: Client, parent: Person, teen: Person
    ) -> None:
        client.post(f"{LESSON}/done")
        client.post("/sign-in", {"username": "noor", "password": "a-long-password"})
        assert list_done(teen) == {"what-it-is"}
        assert not list_done(parent)

    def test_a_parents_work_counts_for_each_teen_but_not_between_teens(
        self, together: Link, module: Module, parent: Person, teen: Person, stranger: Person
    ) -> None:
        second = Link.objects.create(parent=parent, teen=stranger)
        for by in (parent, stranger):
            agree_to_joint_module(link=second, module=module, by=by)
        PersonRecord(parent).mark_lesson_done(SLUG, "what-it-is")
        PersonRecord(teen).mark_lesson_done(SLUG, "bias-in-bias-out")
        assert list_done(teen) == {"what-it-is", "bias-in-bias-out"} == list_done(parent)
        assert list_done(stranger) == {"what-it-is"}


class TestAnswersGivenAlone:
    def test_stay_unchanged_and_private(
        self, link: Link, module: Module, sam: Client, noor: Client, parent: Person, teen: Person
    ) -> None:
        noor.post(f"{GB}/quiz/average", {"option": options()[1]})
        agree_to_joint_module(link=link, module=module, by=parent)
        agree_to_joint_module(link=link, module=module, by=teen)
        unanswered = read_page(sam, f"{GB}/quiz")
        assert ">your choice<" not in unanswered
        sam.post(f"{GB}/quiz/average", {"option": options()[0]})
        assert (get_answer(parent), get_answer(teen)) == (options()[0], options()[1])
        assert ">your choice<" in read_page(noor, f"{GB}/quiz")

    def test_are_private_again_afterwards(
        self, together: Link, sam: Client, noor: Client, parent: Person, teen: Person
    ) -> None:
        sam.post(f"{GB}/quiz/average", {"option": options()[0]})
        noor.post(build_end_path(together))
        noor.post(f"{GB}/quiz/average", {"option": options()[1]})
        assert (get_answer(parent), get_answer(teen)) == (options()[0], options()[1])
        assert not QuizAnswer.objects.get(person=teen).is_joint


class TestLeavingTheFamily:
    def test_ends_it_at_once(self, together: Link, sam: Client, parent: Person, teen: Person) -> None:
        end_link(link=together, by=teen)
        sam.post(f"{LESSON}/done")
        assert list_done(parent) == {"what-it-is"}
        assert not list_done(teen)
        assert "You’re taking this with" not in read_page(sam, LESSON)
        for path in (build_agree_path(together), build_end_path(together)):
            assert sam.post(path).status_code == 404

    def test_linking_again_does_not_restore_it(
        self, together: Link, sam: Client, parent: Person, teen: Person
    ) -> None:
        end_link(link=together, by=teen)
        Link.objects.create(parent=parent, teen=teen)
        sam.post(f"{LESSON}/done")
        assert not list_done(teen)

    def test_its_row_is_deleted_by_the_nightly_task(self, together: Link, teen: Person) -> None:
        assert delete_expired_joint_modules() == 0
        end_link(link=together, by=teen)
        assert delete_expired_joint_modules() == 1

    def test_a_yes_after_the_link_ended_is_refused(self, link: Link, module: Module, teen: Person) -> None:
        end_link(link=link, by=teen)
        with pytest.raises(Link.DoesNotExist):
            agree_to_joint_module(link=link, module=module, by=link.parent)

    def test_an_erased_account_leaves_the_others_progress(
        self, together: Link, sam: Client, parent: Person, teen: Person
    ) -> None:
        sam.post(f"{LESSON}/done")
        erase_person(person=teen)
        assert list_done(parent) == {"what-it-is"}
        assert not JointModule.objects.exists()
        assert sam.post(f"{GB}/good-at-and-bad-at/done").status_code == 302


def test_an_edited_module_stays_joint(
    together: Link, parent: Person, teen: Person, content: Path, sam: Client
) -> None:
    for person in (parent, teen):
        do_all_steps_except(person)
    add_lesson(content)
    load_library(root=content)
    assert "New since you finished: New" in read_page(sam)
    sam.post(f"{GB}/new/done")
    assert "new" in list_done(teen)


class TestStoredData:
    def rows(self, person: Person) -> list[registry.Row]:
        (kind,) = (kind for kind in registry.list_kinds() if kind.name == "joint-modules")
        return list(kind.export(person))

    def test_is_only_in_the_exports_of_both(
        self, together: Link, parent: Person, teen: Person, stranger: Person
    ) -> None:
        assert [row["who"] for row in self.rows(parent)] == ["Noor"]
        assert [row["who"] for row in self.rows(teen)] == ["sam"]
        assert not self.rows(stranger)

    def test_is_empty_after_a_no(self, together: Link, module: Module, parent: Person) -> None:
        end_joint_module(link=together, module=module)
        assert not self.rows(parent)


def test_a_name_is_escaped(together: Link, teen: Person, sam: Client) -> None:
    teen.display_name = "<b>Noor</b>"
    teen.save()
    assert "&lt;b&gt;Noor" in read_page(sam, LESSON)


@pytest.mark.parametrize(("path", "most"), [("/learn/", 9), (GB, 11), (LESSON, 9), (f"{GB}/quiz", 9)])
def test_query_count(
    path: str, most: int, together: Link, noor: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(most):
        noor.get(path)


def test_signed_out_it_redirects_to_sign_in(link: Link, client: Client) -> None:
    for path in (build_agree_path(link), build_end_path(link)):
        assert client.post(path).headers["Location"].startswith("/sign-in")


def test_a_cross_site_form_is_refused(link: Link, parent: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(parent)
    assert client.post(build_agree_path(link)).status_code == 403


@pytest.fixture(autouse=True)
def _fresh_counts() -> None:
    from kit import rate_limits

    rate_limits._shared_counters().storage.reset()
