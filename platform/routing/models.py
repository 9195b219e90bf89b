"""The models that may answer questions."""

from collections.abc import Collection
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, URLValidator
from django.db import models
from django.db.models import Q
from django.db.models.fetch_modes import FetchMode
from django.utils.translation import gettext_lazy as _

from inference.endpoints import RESERVED_FIELDS, Endpoint
from inference.location import is_private_address
from inference.prices import Prices

KEY_PREFIX = "TUTOR_KEY_"
MICRODOLLARS = 1_000_000
# The fields of the settings' model that come from the environment.
SETTINGS_FIELDS = (
    "model_name",
    "base_url",
    "key_variable",
    "input_price",
    "cached_input_price",
    "output_price",
    "context_tokens",
    "answer_tokens",
    "first_token_seconds",
    "next_token_seconds",
    "extra_fields",
    "prompt_profile",
    "capabilities",
)


DEFAULT_PORTS = {"http": 80, "https": 443}


def is_host_allowed(address: str) -> bool:
    """Return whether TUTOR_HOSTS names the host of an address, or TUTOR_BASE_URL is on the same host and port.

    A host without a port in TUTOR_HOSTS means the usual port of the address's scheme.
    """
    if (origin := _parse_origin(address)) is None:
        return False
    if origin == _parse_origin(settings.TUTOR_BASE_URL):
        return True
    host, port, scheme = origin
    allowed = {entry.lower() for entry in settings.TUTOR_HOSTS}
    return _join(host, port) in allowed or (port == DEFAULT_PORTS[scheme] and host in allowed)


def _parse_origin(address: str) -> tuple[str, int, str] | None:
    """Return the host, port and scheme of an HTTP address; None if it is none."""
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return None
    return parts.hostname, port or DEFAULT_PORTS[parts.scheme], parts.scheme


def _join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class PromptProfileName(models.TextChoices):
    FULL = "full", _("full instructions")
    SMALL = "small", _("short instructions, for a model of about a billion parameters or fewer")


class Capability(models.TextChoices):
    """What a model or its server can do. “Try it” finds out all but the first."""

    THINKS_FIRST = "thinks_first", _("begins inside its thinking")
    COUNTS_TOKENS = "counts_tokens", _("counts the tokens of a text")
    REPORTS_USAGE = "reports_usage", _("reports the tokens of an answer")
    REPORTS_CACHE = "reports_cache", _("reports cached tokens")


def validate_base_url(address: str) -> None:
    """Raise ValidationError unless the environment allows this host (TUTOR_HOSTS), and HTTPS leaves the network."""
    URLValidator(schemes=["http", "https"])(_add_dot(address))
    parts = urlsplit(address)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValidationError(_("Leave out user names, passwords, queries and fragments."))
    if not is_host_allowed(address):
        raise ValidationError(
            _("This host isn’t allowed. Add it to TUTOR_HOSTS in the site’s environment first.")
        )
    if parts.scheme != "https" and not is_private_address(address):
        raise ValidationError(_("A host outside this network needs https://."))


def _add_dot(address: str) -> str:
    # URLValidator knows no host without a dot but localhost. Compose files name services `model`.
    host = urlsplit(address).hostname or ""
    return (
        address.replace(host, f"{host}.example", 1)
        if host and "." not in host and ":" not in host
        else address
    )


def validate_extra_fields(fields: object) -> None:
    """Raise ValidationError unless these are fields that a request may add."""
    if not isinstance(fields, dict):
        raise ValidationError(_('Write a JSON object, such as {"temperature": 0.3}.'))
    if reserved := sorted(RESERVED_FIELDS & fields.keys()):
        raise ValidationError(
            _("The site sets these fields itself: %(names)s.") % {"names": ", ".join(reserved)}
        )


def validate_key_variable(name: str) -> None:
    """Raise ValidationError unless this is a TUTOR_KEY_* variable of the environment."""
    if name not in settings.TUTOR_KEYS:
        raise ValidationError(_("Choose a variable of the environment whose name begins with TUTOR_KEY_."))


class TutorModel(models.Model):
    """A model that may answer, and how to ask it.

    One row stands for the model of the `TUTOR_*` variables (`is_from_settings`): its SETTINGS_FIELDS are read from the
    environment each time, so that a changed variable needs no migration.
    """

    name = models.CharField(_("name"), max_length=80, unique=True, help_text=_("As people see it."))
    is_enabled = models.BooleanField(_("in use"), default=True)
    is_from_settings = models.BooleanField(default=False, editable=False)
    position = models.PositiveSmallIntegerField(
        _("order"),
        default=10,
        help_text=_(
            "The first model that may and can answer does. Put the best first, and a local one last."
        ),
    )
    base_url = models.CharField(
        _("address"),
        max_length=300,
        validators=[validate_base_url],
        help_text=_("Of an OpenAI-compatible API, such as https://api.example.com/v1."),
    )
    model_name = models.CharField(_("model"), max_length=200, help_text=_("The name that its server knows."))
    key_variable = models.CharField(
        _("key"),
        max_length=80,
        blank=True,
        validators=[validate_key_variable],
        help_text=_("The variable of the environment that holds the key. Keys are never stored or shown."),
    )
    # Micro-dollars per million tokens.
    input_price = models.PositiveBigIntegerField(_("price of input"), default=0)
    cached_input_price = models.PositiveBigIntegerField(
        _("price of cached input"),
        default=0,
        help_text=_("For the part of a prompt that the server had cached."),
    )
    output_price = models.PositiveBigIntegerField(_("price of output"), default=0)
    context_tokens = models.PositiveIntegerField(
        _("context, in tokens"),
        default=8192,
        validators=[MinValueValidator(1024)],
        help_text=_("A prompt and its answer together."),
    )
    answer_tokens = models.PositiveIntegerField(
        _("longest answer, in tokens"), default=400, validators=[MinValueValidator(60)]
    )
    first_token_seconds = models.FloatField(
        _("seconds for the first token"), default=30.0, validators=[MinValueValidator(0.1)]
    )
    next_token_seconds = models.FloatField(
        _("seconds for each further token"), default=20.0, validators=[MinValueValidator(0.1)]
    )
    extra_fields = models.JSONField(
        _("extra request fields"), default=dict, blank=True, validators=[validate_extra_fields]
    )
    max_answers = models.PositiveSmallIntegerField(
        _("answers at a time"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("By all workers together. Leave empty if the workers’ own limit is enough."),
    )
    prompt_profile = models.CharField(
        _("prompt profile"), max_length=10, choices=PromptProfileName, default=PromptProfileName.FULL
    )
    capabilities = models.JSONField(_("capabilities"), default=list, blank=True)

    class Meta:
        verbose_name = _("tutor model")
        verbose_name_plural = _("tutor models")
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_from_settings"],
                condition=Q(is_from_settings=True),
                name="tutor_model_one_from_settings",
            ),
            models.CheckConstraint(
                condition=Q(prompt_profile__in=PromptProfileName.values), name="tutor_model_profile_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def from_db(
        cls,
        db: str | None,
        field_names: Collection[str],
        values: Collection[Any],
        *,
        fetch_mode: FetchMode | None = None,
    ) -> Self:
        row = super().from_db(db, field_names, values, fetch_mode=fetch_mode)
        if row.__dict__.get("is_from_settings"):
            row.read_settings()
        return row

    def read_settings(self) -> None:
        """Set the SETTINGS_FIELDS from the environment."""
        self.model_name, self.base_url = settings.TUTOR_MODEL, settings.TUTOR_BASE_URL
        self.input_price = round(settings.TUTOR_INPUT_PRICE * MICRODOLLARS)
        self.output_price = round(settings.TUTOR_OUTPUT_PRICE * MICRODOLLARS)
        cached = settings.TUTOR_CACHED_INPUT_PRICE
        self.cached_input_price = self.input_price if cached is None else round(cached * MICRODOLLARS)
        self.context_tokens, self.answer_tokens = settings.TUTOR_CONTEXT_TOKENS, settings.TUTOR_ANSWER_TOKENS
        self.first_token_seconds = settings.TUTOR_FIRST_TOKEN_SECONDS
        self.next_token_seconds = settings.TUTOR_NEXT_TOKEN_SECONDS
        self.extra_fields = settings.TUTOR_EXTRA_BODY
        self.prompt_profile = settings.TUTOR_PROMPT_PROFILE
        self.capabilities = [Capability.THINKS_FIRST] if settings.TUTOR_THINKS_FIRST else []

    def clean(self) -> None:
        super().clean()
        # Of the settings' model neither can be changed here.
        if self.is_from_settings or not (self.answer_tokens and self.context_tokens):
            return
        if self.answer_tokens * 2 > self.context_tokens:
            raise ValidationError({"answer_tokens": _("An answer must leave at least half of the context.")})

    @property
    def is_local(self) -> bool:
        """Whether the model runs on this machine or network, so that questions do not leave it."""
        return is_private_address(self.base_url)

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or ""

    @property
    def is_usable(self) -> bool:
        """Whether an admin has it in use and the environment still allows its host and has its key."""
        return self.is_enabled and bool(self.base_url) and self.has_key and is_host_allowed(self.base_url)

    @property
    def has_key(self) -> bool:
        """Whether the environment still has its key, if it needs one."""
        return self.is_from_settings or not self.key_variable or self.key_variable in settings.TUTOR_KEYS

    @property
    def prices(self) -> Prices:
        return Prices(input=self.input_price, cached_input=self.cached_input_price, output=self.output_price)

    @property
    def endpoint(self) -> Endpoint:
        key = (
            settings.TUTOR_API_KEY
            if self.is_from_settings
            else settings.TUTOR_KEYS.get(self.key_variable, "")
        )
        return Endpoint(
            base_url=self.base_url,
            model=self.model_name,
            api_key=key or "none",
            first_token_seconds=self.first_token_seconds,
            next_token_seconds=self.next_token_seconds,
            extra_fields=self.extra_fields,
            thinks_first=Capability.THINKS_FIRST in self.capabilities,
        )
