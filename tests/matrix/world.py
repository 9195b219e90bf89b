"""Two families, an admin and a staff member, with one object of each kind that a URL can name."""

from dataclasses import dataclass, field
from datetime import time, timedelta
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Person, Role
from budgets.allowances import create_family_budget, get_budget, set_parent_budget
from budgets.grant_files import keep_file
from budgets.grants import create_grant
from chat.method.quizzes import PracticeQuestion, PracticeQuiz, QuizOption, QuizSource
from chat.models import Conversation, Note, Turn, TurnState
from courses.models import Certificate, QuizQuestion
from desk.roles import StaffRole
from desk.team import invite_to_team
from events.feeds import create_feed
from events.guests import build_guest_path
from events.models import Event
from events.services import create_sign_up
from events.spots import confirm_sign_up
from families.links import create_invitation
from families.models import Consent, Link
from mail.services import NewAttachment, queue_email
from routing.models import TutorModel
from safeguarding.models import Incident, IncidentMessage, OnCallShift
from tests.conftest import with_consent

# In the order of the table's columns.
ROLES = ["anonymous", "teen", "parent", "other_teen", "other_parent", "staff", "admin"]


@dataclass
class World:
    people: dict[str, Person]
    ids: dict[str, object]

    option: str = ""
    _sessions: dict[str, str] = field(default_factory=dict)

    def client(self, role: str) -> Client:
        client = _create_client()
        if role in self.people:
            client.force_login(self.people[role])
        return client

    def client_to_roll_back(self, role: str) -> Client:
        """Return a client whose requests are rolled back, which lets all clients of a role share one sign-in.

        The first client of a role must be created before the transaction that is rolled back.
        """
        client = _create_client()
        if role in self.people:
            name = settings.SESSION_COOKIE_NAME
            if role not in self._sessions:
                self._sessions[role] = self.client(role).cookies[name].value
            client.cookies[name] = self._sessions[role]
        return client

    def address(self, name: str, wanted: list[str]) -> str:
        return reverse(name, kwargs={key: self.ids.get(f"{name}:{key}") or self.ids[key] for key in wanted})


def _create_client() -> Client:
    # A separate IP address, so that this test shares no rate limit with another.
    return Client(REMOTE_ADDR=f"10.{uuid4().bytes[0]}.{uuid4().bytes[0]}.{uuid4().bytes[0]}")


def create_world() -> World:
    """Create the objects. All personal data belongs to `teen` and `parent`, and the other roles must not see it.

    The library must be loaded.
    """
    people = {
        role: Person.objects.create(
            username=role,
            role={"staff": Role.ADMIN, "admin": Role.ADMIN}.get(
                role, Role.TEEN if "teen" in role else Role.PARENT
            ),
            is_staff=role in {"staff", "admin"},
            is_superuser=role == "admin",
        )
        for role in ROLES[1:]
    }
    teen, parent = people["teen"], people["parent"]
    for person in (teen, people["other_teen"]):
        with_consent(person)
    link = Link.objects.create(parent=parent, teen=teen)
    Link.objects.create(parent=people["other_parent"], teen=people["other_teen"])
    conversation = Conversation.objects.create(owner=teen, title="Bias")
    turn = Turn.objects.create(
        pk=uuid4(), conversation=conversation, question="Is AI biased?", answer="Yes.", state=TurnState.ANSWERED,
        ended_at=timezone.now(), kind="direct",
    )  # fmt: skip
    practiced = Turn.objects.create(
        pk=uuid4(), conversation=conversation, question="Quiz me on this.", answer="1. Is it?", follow_up="quiz",
        state=TurnState.ANSWERED, ended_at=timezone.now(), quiz=PracticeQuiz(
            QuizSource.OPEN, (PracticeQuestion("Is it?", (QuizOption("Yes"), QuizOption("No"))),)
        ).dump(),
    )  # fmt: skip
    note = Note.objects.create(conversation=conversation, turn=turn, kind="fact", text="It is one.", tokens=4)
    event = Event.objects.create(
        slug="evening", title="An evening", summary="One.", starts_at=timezone.now() + timedelta(days=9),
        time_zone="UTC", minutes=60, is_published=True,
    )  # fmt: skip
    sign_up = confirm_sign_up(sign_up=create_sign_up(event=event, name="Sam", email="sam@example.org"))
    with transaction.atomic():
        mail = queue_email(
            key="matrix", to="a@example.org", subject="S", text="T",
            attachments=[NewAttachment(filename="a.txt", content_type="text/plain", content="a")],
        )  # fmt: skip
    invitation = create_invitation(by=parent)
    # The environment does not allow its host, so no one can ask it.
    model = TutorModel.objects.create(
        name="Elsewhere", base_url="https://elsewhere.example.com/v1", model_name="m"
    )
    incident = Incident.objects.create(teen=teen, level="3", protocol="x")
    IncidentMessage.objects.create(incident=incident, level="3", excerpt="Words", guard_version="x")
    shift = OnCallShift.objects.create(
        reviewer=people["admin"], weekday=0, starts=time(9), ends=time(17), time_zone="UTC"
    )
    # Closed: a teen has one open incident at most. That home isn't safe can still be said.
    asked = Incident.objects.create(
        teen=teen, level="3", protocol="x", closed_at=timezone.now(), resolution="helped",
        teen_asked_at=timezone.now(), teen_answer_until=timezone.now(),
    )  # fmt: skip
    certificate = Certificate.objects.create(
        person=teen, module_slug="good-and-bad", language="en", title="The good and the bad of AI", lessons=5,
        questions=5, edition="0123456789ab", issued_on=timezone.localdate(),
    )  # fmt: skip
    team_invitation = invite_to_team(
        email="colleague@example.org", roles=[StaffRole.CONTENT], language="en", by=people["admin"]
    )
    family = create_family_budget(time_zone="UTC")
    for person in (parent, teen):
        set_parent_budget(owner=person, parent=family)
    create_grant(
        budget=get_budget(owner=teen), tokens=5, reason="One.", expires_at=timezone.now() + timedelta(days=9)
    )
    batch = keep_file(
        content="username,tokens,dollars,until,reason\nteen,5,,2099-12-31,Two.\n", file_name="a.csv",
        by=people["admin"],
    )  # fmt: skip
    return World(
        people,
        {
            "person_id": parent.pk,
            "desk:revoke:invitation_id": team_invitation.pk,
            "joining:accept:token": team_invitation.token,
            "joining:join:token": team_invitation.token,
            "briefing": "a-new-model-and-its-table",
            "year": 2023,
            "review:report_csv:year": timezone.now().year,
            "review:report_pdf:year": timezone.now().year,
            "module": "good-and-bad",
            "table": "days",
            "file": "levers",
            "lesson": "what-it-is",
            "question": "average",
            "slug": event.slug,
            "token": sign_up.token,
            "certificates:check:token": certificate.token,
            "families:join:token": invitation.token,
            "families:accept:token": invitation.token,
            "families:decline:token": invitation.token,
            "session_id": 1,
            "family_budget_id": family.pk,
            "grant_batch_id": batch.pk,
            "incident_id": incident.pk,
            "shift_id": shift.pk,
            "language": "en",
            "safeguarding:answer:incident_id": asked.pk,
            "key": "made-up",
            "events:own_feed:token": create_feed(person=teen).token,
            "events:come_along:key": build_guest_path(sign_up).rpartition("/")[2],
            "uidb36": "1",
            "pk": 1,
            "invitation_id": invitation.pk,
            "consent_id": Consent.objects.get(teen=teen).pk,
            "link_id": link.pk,
            "parent_id": parent.pk,
            "conversation_id": conversation.pk,
            "turn_id": turn.pk,
            "chat:turn_quiz:turn_id": practiced.pk,
            "chat_api:turn_quiz:turn_id": practiced.pk,
            "note_id": note.pk,
            "tutor_model_id": model.pk,
            "email_id": mail.pk,
            "attachment_id": mail.attachments.get().pk,
        },
        option=QuizQuestion.objects.get(module__language="en", slug="average").options[0]["id"],
    )
