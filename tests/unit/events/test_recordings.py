"""Captions are parsed and searched."""

import time
from contextlib import suppress

import pytest

from events.recordings import MAX_CAPTION_BYTES, NotCaptions, parse_cues, search_cues

CAPTIONS = """\ufeffWEBVTT - An evening\r
\r
NOTE nobody says this\r
\r
1\r
00:04.000 --> 00:07.500 align:start\r
<v Ana>Good evening &amp; welcome.</v>\r
\r
01:02:30.000 --> 01:02:33.000\r
What does a model\r
know about <i>tea</i>?\r
"""


class TestCaptions:
    def test_are_read_with_their_times_and_without_their_signs(self) -> None:
        cues = [(cue.clock, cue.seconds, cue.text) for cue in parse_cues(CAPTIONS)]
        assert cues == [
            ("0:04", 4, "Good evening & welcome."),
            ("1:02:30", 3750, "What does a model know about tea?"),
        ]

    @pytest.mark.parametrize("wrong", ["", "WEBVTT", "WEBVTTX\n\n00:01.000 --> 00:02.000\nHi", "1\n00:01 Hi"])
    def test_without_cues_are_refused(self, wrong: str) -> None:
        with pytest.raises(NotCaptions):
            parse_cues(wrong)

    def test_are_normalized_like_search_words(self) -> None:
        [cue] = parse_cues("WEBVTT\n\n00:01.000 --> 00:02.000\nEl nin\u0303o pregunta\n")
        assert cue.text == "El niño pregunta"

    def test_start_at_their_times_even_without_an_empty_line(self) -> None:
        cues = parse_cues("WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n00:03.000-->00:04.000\nHo")
        assert [(cue.seconds, cue.text) for cue in cues] == [(1, "Hi"), (3, "Ho")]

    @pytest.mark.parametrize("text", ["<", "<a", "&", "&#1", "-->\n", "\n", "00:01.000 --> 00:02.000\n"])
    def test_of_hostile_files_are_parsed_in_linear_time(self, text: str) -> None:
        repeated = text * (MAX_CAPTION_BYTES // 16 // len(text))
        began = time.process_time()
        with suppress(NotCaptions):
            parse_cues(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{repeated}")
        assert time.process_time() - began < 2

    def test_are_searched_by_all_words_in_any_case(self) -> None:
        cues = parse_cues(CAPTIONS)
        assert [cue.seconds for cue in search_cues(cues, "TEA model")] == [3750]
        assert search_cues(cues, "  ") == cues
        assert not search_cues(cues, "coffee")
