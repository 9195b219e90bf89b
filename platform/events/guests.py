"""Guest links: a host shares a personal link, and friends sign up as their guests."""

from django.core.signing import BadSignature, Signer
from django.urls import reverse

from events.models import SignUp, SignUpStatus

# Anyone who has confirmed may bring guests, even from the waitlist.
HOST_STATUSES = [SignUpStatus.GOING, SignUpStatus.WAITLISTED, SignUpStatus.OFFERED]
# Not a dot: some apps would end the link there.
_signer = Signer(salt="events.guests", sep="~")


def build_guest_path(sign_up: SignUp) -> str:
    """Return the path of the page to share. It does not give access to the host's sign-up."""
    return reverse("events:come_along", args=[sign_up.event.slug, _signer.sign(str(sign_up.pk))])


def get_host(key: str, event_id: int) -> SignUp:
    """Return the sign-up that shared a link.

    Raises SignUp.DoesNotExist if the key is invalid or belongs to another event, or if the host has left.
    """
    try:
        pk = _signer.unsign(key)
    except BadSignature as error:
        raise SignUp.DoesNotExist from error
    return SignUp.objects.get(pk=pk, event=event_id, status__in=HOST_STATUSES)
