"""Errors of the model and its server. Each docstring is also the default message."""

from typing import ClassVar


class ModelError(Exception):
    """The model did not give a complete answer."""

    # Whether an admin has to act: then it is logged as an error.
    needs_admin: ClassVar[bool] = False
    # Whether the text before the error must not be shown.
    withholds_answer: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(detail or type(self).__doc__)
        # Seconds until the server accepts requests again, if it said so.
        self.retry_after = retry_after


class ModelUnreachable(ModelError):
    """The model's server cannot be reached or closed the connection."""


class ModelBusy(ModelError):
    """The model's server is overloaded."""


class ModelMisconfigured(ModelError):
    """The model's server failed, or this site's settings for it are wrong."""

    needs_admin = True


class QuotaExceeded(ModelError):
    """The quota of the model's server is used up."""

    needs_admin = True


class PromptTooLong(ModelError):
    """The prompt is longer than the model's context."""


class ModelRefused(ModelError):
    """The model or its server refused the question."""

    withholds_answer = True


class AnswerFiltered(ModelError):
    """A filter of the model's server cut the answer."""

    withholds_answer = True


class AnswerEmpty(ModelError):
    """The model ended without an answer."""


class AnswerOnlyThinking(ModelError):
    """The model used all its tokens for thinking."""


class ModelTimeout(ModelError):
    """The model sent nothing for too long."""


class ModelResponseInvalid(ModelError):
    """The model's server sent something that is not a chat completion."""


class NotShown(ModelError):
    """The model's server does not show the pieces of a text or the chances of what comes next."""
