"""Reports of answers, cards and refusals are counted, and read only with the reporter's consent."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person, Role
from chat import services
from chat.models import Conversation, Report, ReportCount, Turn, TurnState
from chat.reports import NothingToReport, create_report
from families.models import Link
from families.terms import ParentView
from tests.chat.conftest import Ask, Judged
from tests.chat.verdicts import COMPANION, HINTS, METHOD

AsPerson = Callable[[Person], Client]
QUESTION = "Why is the sky blue?"


@pytest.fixture
def owner(as_person: AsPerson, teen: Person) -> Client:
    return as_person(teen)


@pytest.fixture
def answered(turn: Turn) -> Turn:
    Turn.objects.filter(pk=turn.pk).update(
        state=TurnState.ANSWERED, answer="It scatters.", ended_at=timezone.now(), categories=["distress"]
    )
    turn.refresh_from_db()
    return turn


def post(client: Client, turn: Turn, name: str = "chat:turn_report", **fields: str) -> HttpResponse:
    return client.post(reverse(name, args=[turn.pk]), fields)  # type: ignore[return-value]


def read_page(client: Client, turn: Turn) -> str:
    return client.get(reverse("chat:conversation", args=[turn.conversation_id])).content.decode()


def list_counts() -> list[tuple[str, str, str, str, int]]:
    return list(ReportCount.objects.values_list("action", "layer", "category", "reason", "count"))


class TestWhere:
    @pytest.mark.parametrize("given", [HINTS, METHOD, COMPANION])
    def test_every_pause_and_refusal_has_a_button_to_say_that_this_was_not_meant(
        self, given: Any, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        judged(given)
        assert "This wasn’t what I meant" in read_page(owner, ask(teen))

    def test_every_card_has_a_button_to_say_that_this_was_not_meant(
        self, teen: Person, ask: Ask, owner: Client
    ) -> None:
        assert "This wasn’t what I meant" in read_page(owner, ask(teen, "I want to die"))

    def test_an_answer_can_be_reported_with_a_reason(self, owner: Client, answered: Turn) -> None:
        page = read_page(owner, answered)
        for words in ("Report this answer", "It’s wrong", "It’s unkind", "It’s unsafe", "Something else"):
            assert words in page

    def test_a_live_or_empty_turn_cannot_be_reported(self, turn: Turn, owner: Client) -> None:
        assert "Report this answer" not in read_page(owner, turn)
        assert post(owner, turn).status_code == 404
        services.stop_turn(turn=turn)
        turn.refresh_from_db()
        with pytest.raises(NothingToReport):
            create_report(turn=turn)


class TestWithoutConsent:
    def test_only_a_number_is_kept(self, owner: Client, answered: Turn) -> None:
        reply = post(owner, answered, reason="unsafe", comment="It told me to")
        assert reply.headers["Location"].endswith(f"#turn-{answered.pk}")
        report = Report.objects.get()
        assert (report.reason, report.comment, report.shared_at) == ("", "", None)
        assert list_counts() == [("answer", answered.layer, "distress", "unsafe", 1)]
        assert "nothing you wrote is kept" in read_page(owner, answered)

    def test_a_second_report_is_not_counted(self, owner: Client, answered: Turn) -> None:
        for _ in range(2):
            post(owner, answered, reason="wrong")
        assert [row[-1] for row in list_counts()] == [1]

    def test_reports_of_others_add_up(self, teen: Person, ask: Ask, judged: Judged, owner: Client) -> None:
        judged(METHOD)
        for _ in range(2):
            post(owner, ask(teen))
        assert list_counts() == [("refuse", "test", "method", "", 2)]

    def test_it_is_hidden_from_staff_and_the_export(
        self, owner: Client, answered: Turn, admin_person: Person, as_person: AsPerson
    ) -> None:
        post(owner, answered, reason="wrong", comment="No")
        assert run_export() == []
        page = as_person(admin_person).get(reverse("admin:chat_report_changelist")).content.decode()
        assert QUESTION not in page
        report = Report.objects.get()
        detail = as_person(admin_person).get(reverse("admin:chat_report_change", args=[report.pk]))
        assert detail.status_code == 302


def run_export() -> list[dict[str, Any]]:
    out = StringIO()
    call_command("export_reports", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


class TestWithConsent:
    def test_the_form_asks_for_it_and_the_box_is_not_checked(self, owner: Client, answered: Turn) -> None:
        page = read_page(owner, answered)
        box = page[page.index('id="shared-') : page.index(">", page.index('id="shared-'))]
        assert "checked" not in box
        assert (
            "without your name, for up to 180 days. No parent sees it, and no model learns from it." in page
        )

    def test_an_answer_becomes_an_example_with_both_turns(self, owner: Client, answered: Turn) -> None:
        post(owner, answered, reason="wrong", comment=" Not true ", shared="on")
        report = Report.objects.get()
        assert run_export() == [
            {
                "id": str(report.pk),
                "turns": [
                    {"role": "user", "text": QUESTION},
                    {"role": "assistant", "text": "It scatters."},
                ],
                "level": None,
                "action": None,
                "verdict_was": {
                    "level": "0",
                    "action": "answer",
                    "categories": ["distress"],
                    "layer": "rules",
                },
                "reason": "wrong",
                "comment": "Not true",
            }
        ]

    def test_a_refusal_becomes_an_example_of_a_question(
        self, teen: Person, ask: Ask, judged: Judged, owner: Client
    ) -> None:
        judged(METHOD)
        post(owner, ask(teen), shared="on", reason="unkind")
        (example,) = run_export()
        assert example["text"] == QUESTION
        assert example["verdict_was"]["action"] == "refuse"
        assert example["reason"] is None

    def test_nothing_in_it_leads_to_its_writer(self, owner: Client, answered: Turn, teen: Person) -> None:
        post(owner, answered, shared="on")
        line = json.dumps(run_export())
        for trace in (teen.username, teen.display_name, str(answered.pk), str(answered.conversation_id)):
            assert trace not in line

    def test_it_can_be_withdrawn_in_the_same_place(self, owner: Client, answered: Turn) -> None:
        post(owner, answered, reason="wrong", comment="Not true", shared="on")
        assert "Withdraw this report" in read_page(owner, answered)
        for _ in range(2):
            assert post(owner, answered, "chat:turn_report_withdraw").status_code == 302
        report = Report.objects.get()
        assert (report.reason, report.comment, report.shared_at) == ("", "", None)
        assert run_export() == []
        assert "Withdraw this report" not in read_page(owner, answered)

    def test_it_goes_with_its_conversation(self, owner: Client, answered: Turn) -> None:
        post(owner, answered, shared="on")
        services.delete_conversation(conversation=answered.conversation)
        assert not Report.objects.exists()
        assert ReportCount.objects.exists()

    def test_an_unknown_reason_counts_as_other(self, owner: Client, answered: Turn) -> None:
        post(owner, answered, reason="<b>", shared="on")
        assert Report.objects.get().reason == "other"

    def test_a_parent_sees_nothing_of_it(
        self, teen: Person, parent: Person, owner: Client, answered: Turn, as_person: AsPerson
    ) -> None:
        link = Link.objects.create(parent=parent, teen=teen, parent_view=ParentView.FULL)
        post(owner, answered, comment="Private words", shared="on")
        look = as_person(parent).get(reverse("chat:parent_view", args=[link.pk])).content.decode()
        assert "Private words" not in look

    def test_its_writers_own_copy_has_it(self, teen: Person, owner: Client, answered: Turn) -> None:
        from chat.personal import REPORTS

        post(owner, answered, comment="My words", shared="on", reason="wrong")
        (row,) = REPORTS.export(teen)
        assert (row["question"], row["comment"], row["reason"]) == (QUESTION, "My words", "It’s wrong")
        assert REPORTS.is_private


class TestStaff:
    @pytest.fixture
    def staff(self, make_person: Callable[..., Person], as_person: AsPerson) -> tuple[Person, Client]:
        person = make_person("staff", Role.ADMIN, is_staff=True)
        return person, as_person(person)

    def allow(self, person: Person, *names: str) -> None:
        person.user_permissions.add(*Permission.objects.filter(codename__in=names))

    def test_with_permission_they_read_and_export_what_is_shared(
        self, staff: tuple[Person, Client], owner: Client, answered: Turn, teen: Person
    ) -> None:
        post(owner, answered, shared="on", comment="Not true")
        person, client = staff
        address = reverse("admin:chat_report_changelist")
        assert client.get(address).status_code == 403
        self.allow(person, "view_report")
        page = client.get(address).content.decode()
        assert QUESTION in page
        assert teen.username not in page
        chosen = {"action": "export", "_selected_action": [str(Report.objects.get().pk)]}
        reply = client.post(address, chosen)
        assert reply.headers["Content-Disposition"] == 'attachment; filename="reports.jsonl"'
        assert [json.loads(line) for line in reply.content.decode().splitlines()] == run_export()

    def test_their_judgement_becomes_what_is_right(
        self, staff: tuple[Person, Client], owner: Client, answered: Turn
    ) -> None:
        post(owner, answered, shared="on")
        person, client = staff
        self.allow(person, "view_report", "change_report")
        address = reverse("admin:chat_report_change", args=[Report.objects.get().pk])
        assert client.post(address, {"correct_level": "1", "correct_action": "support"}).status_code == 302
        (example,) = run_export()
        assert (example["level"], example["action"]) == ("1", "support")

    def test_a_judgement_does_not_restore_a_withdrawn_report(self, owner: Client, answered: Turn) -> None:
        post(owner, answered, shared="on", comment="Not true")
        seen = Report.objects.get()
        post(owner, answered, "chat:turn_report_withdraw")
        seen.correct_level = "1"
        admin.site.get_model_admin(Report).save_model(RequestFactory().post("/"), seen, None, change=True)
        report = Report.objects.get()
        assert (report.shared_at, report.comment, report.correct_level) == (None, "", "")


class TestTooMany:
    def test_they_are_rate_limited(self, owner: Client, teen: Person, ask: Ask, judged: Judged) -> None:
        judged(METHOD)
        conversation = ask(teen).conversation
        turns = [
            Turn(pk=uuid4(), conversation=conversation, question="Why?", state=TurnState.REFUSED,
                 ended_at=timezone.now(), categories=["method"])
            for _ in range(12)
        ]  # fmt: skip
        Turn.objects.bulk_create(turns)
        codes = [post(owner, turn).status_code for turn in turns]
        assert (codes[0], codes[-1]) == (302, 429)


@pytest.mark.parametrize("who", ["parent", "stranger", "admin_person"])
@pytest.mark.parametrize("name", ["chat:turn_report", "chat:turn_report_withdraw", "chat:turn_check_in"])
def test_no_one_else_can(
    who: str, name: str, answered: Turn, as_person: AsPerson, request: pytest.FixtureRequest
) -> None:
    assert post(as_person(request.getfixturevalue(who)), answered, name).status_code == 404
    assert not Report.objects.exists()


def test_a_page_reads_all_reports_at_once(
    owner: Client, conversation: Conversation, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    services.stop_turn(turn=conversation.turns.get())
    turns = Turn.objects.bulk_create(
        Turn(pk=uuid4(), conversation=conversation, question="Why?", answer="So.", state=TurnState.ANSWERED,
             ended_at=timezone.now())
        for _ in range(20)
    )  # fmt: skip
    for turn in turns:
        create_report(turn=turn)
    owner.get(reverse("chat:start"))
    with django_assert_max_num_queries(13):
        owner.get(reverse("chat:conversation", args=[conversation.pk]))
