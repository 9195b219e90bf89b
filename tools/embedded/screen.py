"""Output to the terminal. If the terminal goes away, output stops and everything else continues."""

import os
import time
from collections.abc import Sequence
from typing import TextIO

GREEN, YELLOW, BOLD, PLAIN = "\033[32m", "\033[33m", "\033[1m", "\033[0m"
PROGRESS_SECONDS = 15


class Screen:
    """Writes lines for people. Uses color and redraws lines only on a terminal."""

    def __init__(self, stream: TextIO, *, no_color: bool = False) -> None:
        self._stream = stream
        self._live = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._color = self._live and not no_color
        self._tick = "✓" if "utf" in (stream.encoding or "").lower() else "*"
        self._passing = ""
        self._reassured = time.monotonic()

    def say(self, text: str = "") -> None:
        """Write one or more lines."""
        self._write(text + "\n")

    def show_title(self, text: str) -> None:
        self._write(self._color_text(BOLD, text) + "\n")

    def step(self, name: str, seconds: float) -> None:
        """Report a finished step."""
        self._write(f"  {self._color_text(GREEN, self._tick)} {name:<24}{seconds:5.1f} s\n")

    def waiting(self, names: Sequence[str], since: float) -> None:
        """Show what is being waited for: redrawn on a terminal, otherwise a line from time to time."""
        now = time.monotonic()
        text = f"    {', '.join(names)} … {now - since:.0f} s"
        if self._live:
            if text != self._passing:
                self._write("")
                self._write_raw(text)
                self._passing = text
        elif now - max(since, self._reassured) > PROGRESS_SECONDS:
            self._reassured = now
            self.say(text)

    def show_problem(self, text: str, lines: Sequence[str] = ()) -> None:
        """Report a problem with lines of its log."""
        self._write(
            f"  {self._color_text(YELLOW, '!')} {text}\n" + "".join(f"      {line[:200]}\n" for line in lines)
        )

    def _color_text(self, color: str, text: str) -> str:
        return f"{color}{text}{PLAIN}" if self._color else text

    def _write(self, text: str) -> None:
        wipe = "\r\033[2K" if self._passing else ""
        self._passing = ""
        self._write_raw(wipe + text)

    def _write_raw(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            # The stream still has buffered text and would fail again at exit, so redirect it to the null device.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
            self._live = False
