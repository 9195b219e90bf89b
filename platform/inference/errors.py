"""What can go wrong between us and a model, each with a docstring that says it."""

from typing import ClassVar


class ModelError(Exception):
    """The model did not give a whole answer."""

    # Whether the site's operator has to see to it: it is logged as an error.
    alarms: ClassVar[bool] = False
    # Whether the words that came before it are not to be shown.
    withholds: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(detail or type(self).__doc__)
        # Seconds until the server takes questions again, where it said so.
        self.retry_after = retry_after


class ModelUnreachable(ModelError):
    """The model's server cannot be reached, or broke the connection."""


class ModelBusy(ModelError):
    """The model's server has more to do than it can."""


class ModelMisconfigured(ModelError):
    """The model's server, or what this site tells it, is out of order."""

    alarms = True


class QuotaExceeded(ModelError):
    """What may be used of the model's server is used up."""

    alarms = True


class PromptTooLong(ModelError):
    """The prompt is longer than the model can read."""


class ModelRefused(ModelError):
    """The model, or its server, turned the question down."""

    withholds = True


class AnswerFiltered(ModelError):
    """The model's server cut its own answer by a filter."""

    withholds = True


class AnswerEmpty(ModelError):
    """The model ended without an answer."""


class AnswerOnlyThinking(ModelError):
    """Thinking took all the room that the answer had."""


class ModelTimeout(ModelError):
    """The model said nothing for too long."""


class ModelResponseInvalid(ModelError):
    """The model's server sent something that is not a chat completion."""
