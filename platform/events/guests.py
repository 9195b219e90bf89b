"""Who brings whom: a personal link that lets its holder's friends sign up as their guests, each for themselves."""

from django.core.signing import BadSignature, Signer
from django.urls import reverse

from events.models import SignUp, SignUpStatus

# Whoever has confirmed may bring somebody, also while they wait.
HOST_STATUSES = [SignUpStatus.GOING, SignUpStatus.WAITLISTED, SignUpStatus.OFFERED]
# A dot would be read as the end of the link's sentence.
_signer = Signer(salt="events.guests", sep="~")


def build_guest_path(sign_up: SignUp) -> str:
    """The page to share. It opens the sign-up and nothing of its owner's."""
    return reverse("events:come_along", args=[sign_up.event.slug, _signer.sign(str(sign_up.pk))])


def get_host(key: str, event_id: int) -> SignUp:
    """Who shared a link. Raises SignUp.DoesNotExist for what is none, of another event, or of somebody who left."""
    try:
        pk = _signer.unsign(key)
    except BadSignature as fault:
        raise SignUp.DoesNotExist from fault
    return SignUp.objects.get(pk=pk, event=event_id, status__in=HOST_STATUSES)
