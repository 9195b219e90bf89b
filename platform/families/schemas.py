"""What the files in `data/` may say. Import it in functions (kit.schemas imports pydantic)."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from kit.schemas import Hint, Line, RootTable, Table, Texts, build_schema_error

DEFAULT = "default"


class ConsentFile(Table):
    """`consents/<version>.<language>.toml`."""

    version: Annotated[str, Hint("Repeat the version in the file’s name, in quotes.")]
    title: Line
    points: Texts
    covers_review: bool = False


CountryCode = Annotated[
    str,
    Field(pattern=f"^({DEFAULT}|[A-Z]{{2}})$"),
    Hint("Name a country by its ISO 3166 code: US."),
]
Age = Annotated[int, Field(ge=1, le=18), Hint("Give the age in whole years, from 1 to 18.")]


class AgesFile(RootTable[dict[CountryCode, Age]]):
    """`ages.toml`: the age from which a person consents to an online service, by country."""

    @model_validator(mode="after")
    def _require_default(self) -> Self:
        if DEFAULT not in self.root:
            raise build_schema_error(f"“{DEFAULT}” is missing.", "Give the age for all other countries.")
        return self
