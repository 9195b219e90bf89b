"""What can go wrong between us and a model, each with a docstring that says it."""


class ModelFault(Exception):
    """The model did not give a whole answer."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or type(self).__doc__)


class ModelUnreachable(ModelFault):
    """The model's server cannot be reached, or broke the connection."""


class ModelRefused(ModelFault):
    """The model's server turned the request down."""


class ModelSilent(ModelFault):
    """The model said nothing for too long."""


class ModelGarbled(ModelFault):
    """The model's server sent something that is not a chat completion."""
