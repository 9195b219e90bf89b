"""What a screen reader is told when a turn changes. The answer itself is read where it stands."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.models import Ending, Report, State, Turn

BEING_WRITTEN = gettext_lazy("Your question is sent. The answer is being written.")
NO_ANSWER = gettext_lazy("The tutor did not answer this. It says why.")
ANNOUNCEMENTS = {
    State.QUEUED: BEING_WRITTEN,
    State.WORKING: BEING_WRITTEN,
    State.DEFERRED: gettext_lazy("Your question is kept. It is answered when the model is back."),
    State.ANSWERED: gettext_lazy("The answer is finished."),
    State.STOPPED: gettext_lazy("The answer was stopped."),
    State.FAILED: gettext_lazy("The answer could not be finished. You can try again."),
    State.CARDED: gettext_lazy("A card with help lines is shown."),
    State.PAUSED: gettext_lazy("There is a question for you."),
    State.WITHHELD: NO_ANSWER,
    State.REFUSED: NO_ANSWER,
    State.REDIRECTED: NO_ANSWER,
}


def announcement_of(turn: Turn, report: Report | None, *, was_kept: bool, may_wait: bool = False) -> str:
    """One sentence that differs whenever the turn's outcome does, so that the page announces each change once.

    `was_kept` says that the turn was tried again and came to nothing better, `may_wait` that the model is down.
    """
    if report and report.shared_at:
        return _("Your report is received.")
    if report:
        return _("Your report is counted. None of your words are kept.")
    if was_kept:
        return _("The new answer was not better. What you had before is kept.")
    return _outcome_of(turn, may_wait=may_wait)


def _outcome_of(turn: Turn, *, may_wait: bool) -> str:
    if turn.ending == Ending.TAKEN_BACK:
        return _("You took your question back.")
    if turn.state == State.STOPPED and turn.ending != Ending.ASKED:
        return _("The answer stopped early.")
    if turn.state == State.FAILED and may_wait:
        return _(
            "The answer could not be finished. You can try again, or have it answered when the model is back."
        )
    return str(ANNOUNCEMENTS[State(turn.state)])
