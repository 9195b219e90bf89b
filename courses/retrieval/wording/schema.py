"""What `<language>.toml` may say. Import it in functions (kit.schemas imports pydantic)."""

from kit.schemas import Table, Texts


class WordingFile(Table):
    """`plain` has the words that mean the same as its key; `filler` are left out; `ordinary` weigh less."""

    subject: Texts
    ordinary: Texts
    filler: Texts
    plain: dict[str, Texts]
