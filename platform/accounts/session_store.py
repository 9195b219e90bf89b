"""The session engine: a session's row names its person, so that one query reads both."""

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import Person, Session


class SessionStore(DatabaseStore):
    """Django's sessions in the database, with the person who signed in."""

    _person: Person | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row: Session = super().create_model_instance(data)  # type: ignore[assignment]
        row.person_id = data.get(SESSION_KEY)
        return row

    def load(self) -> dict[str, Any]:
        found = Session.objects.select_related("person").filter(
            session_key=self.session_key, expire_date__gt=timezone.now()
        )
        row = found.first()
        if row is None:
            self._session_key = None
            return {}
        self._person = row.person
        return self.decode(row.session_data)

    def find_person(self) -> Person | None:
        """Return the person who is signed in, as read with the session; None if Django must decide (auth.get_user)."""
        signed_in_as = self.get(SESSION_KEY)
        person = self._person
        if (
            person is None
            or str(person.pk) != signed_in_as
            or not person.is_active
            or self.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS
            or not constant_time_compare(self.get(HASH_SESSION_KEY, ""), person.get_session_auth_hash())
        ):
            return None
        return person
