"""A lesson's Markdown as sections: a heading with its own anchor, and the blocks below it."""

import re
from collections.abc import Container
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from courses.authoring.blocks import SLUG, Block, Fence, parse_block
from courses.authoring.source import ContentFile
from courses.markdown import extract_text, parse_tokens, render_html, render_inline_html
from kit.authored import FileError, InvalidFile

if TYPE_CHECKING:
    from markdown_it.token import Token

HEADING = re.compile(r"(?P<title>.+?)\s*\{#(?P<anchor>[^}]*)\}")
TOP = "h2"
# In characters. People type no more into a search, and a longer phrase matches less.
MAX_PHRASE_LENGTH = 100
MAX_TITLE_LENGTH = 200


@dataclass
class Section:
    """`extra_search_words` are not in the section's text; `phrases` are questions that lead to the section."""

    title: str = ""
    anchor: str = ""
    blocks: list[Block] = field(default_factory=list)
    extra_search_words: str = ""
    phrases: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text of the section, for search and for the tutor."""
        return " ".join(filter(None, map(_extract_block_text, self.blocks)))

    def as_json(self) -> dict[str, Any]:
        """Return the section as `Lesson.sections` stores it and templates show it."""
        return {"title": self.title, "anchor": self.anchor, "blocks": self.blocks}


def _extract_block_text(block: Block) -> str:
    html_fields = [
        block.get("title", ""),
        block.get("myth", ""),
        block.get("fact", ""),
        *block.get("lines", []),
    ]
    return " ".join(extract_text(html) for html in [*html_fields, block.get("html", "")] if html)


def parse_sections(source: ContentFile, *, known_sources: Container[object] = ()) -> list[Section]:
    """Parse the sections of a lesson, in order. Raises InvalidFile with every error in them."""
    parser = _SectionParser(source, known_sources)
    for token in parse_tokens(source.body):
        parser.take(token)
    parser.end_prose()
    if not parser.errors and not any(section.blocks for section in parser.sections):
        parser.errors.append(
            FileError(source.file, source.body_line, "There is nothing to read.", "Write it.")
        )
    if parser.errors:
        raise InvalidFile(*parser.errors)
    return [section for section in parser.sections if section.blocks]


@dataclass
class _SectionParser:
    source: ContentFile
    known_sources: Container[object]
    sections: list[Section] = field(default_factory=lambda: [Section()])
    errors: list[FileError] = field(default_factory=list)
    prose: "list[Token]" = field(default_factory=list)
    heading: "Token | None" = None

    def take(self, token: "Token") -> None:
        if token.type == "heading_open" and token.tag in {"h1", TOP}:
            self.end_prose()
            self.heading = token
        elif token.type == "heading_close" and token.tag in {"h1", TOP}:
            self.heading = None
        elif self.heading:
            self._begin_section(self.heading, token.content)
        elif token.type == "colon_fence" and token.level == 0:
            self.end_prose()
            self._take_fence(token)
        else:
            self.prose.append(token)

    def end_prose(self) -> None:
        if self.prose:
            self.sections[-1].blocks.append({"kind": "prose", "html": render_html(self.prose)})
            self.prose = []

    def _get_line(self, token: "Token") -> int:
        return self.source.body_line + (token.map[0] if token.map else 0)

    def _add_error(self, line: int, what: str, hint: str) -> None:
        self.errors.append(FileError(self.source.file, line, what, hint))

    def _begin_section(self, heading: "Token", content: str) -> None:
        line, match = self._get_line(heading), HEADING.fullmatch(content)
        if heading.tag == "h1":
            self._add_error(
                line, "A lesson’s title belongs in its front matter.", "Begin this heading with “## ”."
            )
        elif match is None or not SLUG.fullmatch(match["anchor"]):
            hint = "Give it one that will not change: “## Where bias comes from {#bias}”."
            self._add_error(line, "This heading has no valid anchor.", hint)
        elif any(section.anchor == match["anchor"] for section in self.sections):
            self._add_error(
                line,
                f"“#{match['anchor']}” is used twice in this file.",
                "Choose another anchor for one of them.",
            )
        elif len(match["title"]) > MAX_TITLE_LENGTH:
            what = f"This heading is {len(match['title'])} characters long."
            self._add_error(line, what, f"Shorten it to {MAX_TITLE_LENGTH} characters.")
        else:
            self.sections.append(Section(render_inline_html(match["title"]), match["anchor"]))

    def _take_fence(self, token: "Token") -> None:
        try:
            fence = parse_fence(self.source, token, self.known_sources)
            if fence.kind == "asked":
                self.sections[-1].extra_search_words += " " + " ".join(fence.text.split())
            elif fence.kind == "phrases":
                self._take_phrases(fence)
            else:
                self.sections[-1].blocks.append(parse_block(fence))
        except InvalidFile as broken:
            self.errors.extend(broken.errors)

    def _take_phrases(self, fence: Fence) -> None:
        known = {phrase for section in self.sections for phrase in section.phrases}
        for line, phrase in enumerate(fence.text.split("\n"), fence.line + 1):
            if not re.search(r"\w", phrase):
                self._add_error(line, "This line has no words.", "Write one question on each line.")
            elif len(phrase) > MAX_PHRASE_LENGTH:
                self._add_error(
                    line, "This phrase is too long.", f"Shorten it to {MAX_PHRASE_LENGTH} characters."
                )
            elif phrase in known:
                self._add_error(
                    line, f"“{phrase}” is used twice in this file.", "Delete one of them, or reword it."
                )
            else:
                known.add(phrase)
                self.sections[-1].phrases.append(phrase)


def parse_fence(source: ContentFile, token: "Token", known_sources: Container[object] = ()) -> Fence:
    """Parse the fenced block in a token. Raises InvalidFile if it is never closed."""
    first, end = token.map or [0, 0]
    line = source.body_line + first
    last = source.body.split("\n")[end - 1].strip()
    swallowed = any(text.startswith(":::") for text in token.content.split("\n"))
    if swallowed or end - 1 == first or set(last) != {":"}:
        raise source.build_error(
            line, "This block is never closed.", "Write a line “:::” below its last line."
        )
    kind, *words = token.info.split() or [""]
    return Fence(source, kind, words, token.content.strip("\n"), line, known_sources)
