"""Typed models of files that people write, and every error in such a file, with its line and a hint.

Importing this imports pydantic, which takes a tenth of a second: import it, and the modules that define models, in the
function that reads a file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from kit.authored import FileError, InvalidFile, Location, TomlText

_STRICT = ConfigDict(strict=True, frozen=True, str_min_length=1)
MAX_LINE_LENGTH = 200
"""In characters. A title must fit into a list on a phone."""


class Table(BaseModel):
    """A table of an authored file. Rejects unknown keys and empty text, and converts no values."""

    model_config = ConfigDict(**_STRICT, extra="forbid")


class RootTable[T](RootModel[T]):
    """A file whose keys are not fixed."""

    model_config = _STRICT


@dataclass(frozen=True)
class Hint:
    """What an author should do about any error in this field: `Annotated[str, Hint("Give its title.")]`."""

    text: str


Items = Field(strict=False, min_length=1)
"""The field of a tuple: a TOML list with at least one item."""
OptionalItems = Field(strict=False)
Texts = Annotated[tuple[str, ...], Items]
Line = Annotated[str, Field(max_length=MAX_LINE_LENGTH)]


def build_schema_error(what: str, hint: str, *, at: Location = ()) -> PydanticCustomError:
    """Build an error for a validator to raise. It is reported at the validated value, or at `at` below it."""
    return PydanticCustomError("own_rule", "{what}", {"what": what, "hint": hint, "at": at})


def validate[M: BaseModel](model: type[M], source: TomlText) -> M:
    """Return the content of a TOML text as a model. Raises InvalidFile with every error."""
    try:
        return model.model_validate(source.data)
    except ValidationError as invalid:
        raise InvalidFile(*_list_errors(model, source, invalid)) from invalid


def validate_line[M: BaseModel](model: type[M], data: dict[str, str], *, file: str, line: int) -> M:
    """Return the values of one line of a file as a model. Raises InvalidFile with every error."""
    try:
        return model.model_validate(data)
    except ValidationError as invalid:
        errors = _list_errors(model, TomlText(file, data, ""), invalid)
        raise InvalidFile(*(replace(error, line=line) for error in errors)) from invalid


def _list_errors(model: type[BaseModel], source: TomlText, invalid: ValidationError) -> Iterator[FileError]:
    errors = invalid.errors()
    for error in errors:
        # Pydantic drops invalid items and then calls the list too short. Report only the invalid items.
        if error["type"] == "too_short" and error["input"]:
            within = error["loc"]
            if any(other["loc"][: len(within)] == within for other in errors if other is not error):
                continue
        yield _describe(model, source, error)


# How pydantic ends the location of an error in a key rather than in its value.
_KEY = ("[key]",)
# By pydantic's type of error: what is wrong, and the hint if the field itself has none.
_SENTENCES = {
    "missing": ("{name} is missing.", "Add it: {key} = …"),
    "extra_forbidden": ("{name} is not a known entry.", "Use only: {known}."),
    "string_type": ("{name} is not a text.", 'Write it in quotes: {key} = "…".'),
    "string_too_short": ("{name} is empty.", "Write it."),
    "string_too_long": ("{name} is {length} characters long.", "Shorten it to {max_length} characters."),
    "string_pattern_mismatch": ("{name} is “{value}”.", "Make it match {pattern}."),
    "int_type": ("{name} is not a whole number.", "Make it a whole number, without quotes."),
    "int_parsing": ("{name} is not a whole number.", "Make it a whole number."),
    "greater_than_equal": ("{name} is {value}.", "Choose {ge} or more."),
    "less_than_equal": ("{name} is {value}.", "Choose {le} or less."),
    "bool_type": ("{name} is neither true nor false.", "Write true or false, without quotes."),
    "date_type": ("{name} is not a date.", "Write it without quotes: {key} = 2026-11-23."),
    "literal_error": ("{name} is {value!r}.", "Use one of: {expected}."),
    "tuple_type": ("{name} is not a list.", 'Write it as {key} = ["one", "two"].'),
    "too_short": ("{name} has {actual_length} entries.", "Give {min_length} or more."),
    "too_long": ("{name} has {actual_length} entries.", "Give {max_length} at most."),
    "model_type": ("{name} is not a table.", "Write it as a table: [{key}]."),
    "model_attributes_type": ("{name} is not a table.", "Write it as a table: [{key}]."),
    "dict_type": ("{name} is not a table.", "Write it as a table: [{key}]."),
    "own_rule": ("{what}", "{hint}"),
}


def _describe(model: type[BaseModel], source: TomlText, error: ErrorDetails) -> FileError:
    full: Location = error["loc"]
    is_key = full[-1:] == _KEY
    location = full[:-1] if is_key else full
    kind, context = error["type"], error.get("ctx", {})
    keys = [part for part in location if isinstance(part, str)]
    values = context | {
        "name": _format_name(location),
        "key": keys[-1] if keys else "",
        "value": error["input"],
        "length": len(error["input"]) if isinstance(error["input"], str) else 0,
        "known": ", ".join(_list_field_names(model, location[:-1])),
    }
    what, hint = _SENTENCES.get(kind, ("{name}: " + error["msg"].replace("{", "{{") + ".", "Correct it."))
    if is_key:
        what = "{name} cannot be a key here."
    own = [] if kind in {"extra_forbidden", "own_rule"} else list(_list_hints(model, full))
    return source.build_error(
        (*location, *context.get("at", ())),
        what.format_map(values),
        own[-1] if own else hint.format_map(values),
    )


def _format_name(location: Location) -> str:
    """Return an entry's name for a sentence: “title”, “url” in “sources”, Entry 2 of “phrases” in “rules”."""
    if not location:
        return "The file"
    keys = [part for part in location if isinstance(part, str)]
    inside = f" in “{'.'.join(keys[:-1])}”" if keys[1:] else ""
    last = location[-1]
    return f"Entry {last + 1} of “{keys[-1]}”{inside}" if isinstance(last, int) else f"“{last}”{inside}"


def _list_hints(model: type[BaseModel], location: Location) -> Iterator[str]:
    """Yield the hints of the innermost key of a location, and of its items."""
    key = max(
        (position for position, part in enumerate(location) if isinstance(part, str) and part not in _KEY),
        default=0,
    )
    for position, (_kind, metadata) in enumerate(_descend(model, location)):
        if position >= key:
            yield from (item.text for item in metadata if isinstance(item, Hint))


def _list_field_names(model: type[BaseModel], location: Location) -> list[str]:
    *_, (kind, _metadata) = [(model, ()), *_descend(model, location)]
    return [field.alias or name for name, field in kind.model_fields.items()] if _is_model(kind) else []


def _descend(model: type[BaseModel], location: Location) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield the type of each part of a location, and its annotations."""
    kind: Any = model
    for part, after in zip_longest(location, location[1:]):
        if part in _KEY:
            return
        if _is_model(kind) and issubclass(kind, RootModel):
            kind = kind.model_fields["root"].annotation
        metadata: tuple[Any, ...] = ()
        if _is_model(kind):
            fields = {field.alias or name: field for name, field in kind.model_fields.items()}
            if part not in fields:
                return
            kind, metadata = fields[str(part)].annotation, tuple(fields[str(part)].metadata)
        elif arguments := get_args(kind):
            kind = arguments[1] if get_origin(kind) is dict and after not in _KEY else arguments[0]
        kind, more = _unwrap(kind)
        yield kind, metadata + more


def _unwrap(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return a type without `Annotated` and `| None`, and its annotations."""
    metadata: tuple[Any, ...] = ()
    while get_origin(kind) in {Annotated, Union, UnionType}:
        metadata += getattr(kind, "__metadata__", ())
        kind = get_args(kind)[0]
    return kind, metadata


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
