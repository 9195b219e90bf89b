"""Markdown, maths and code as safe HTML: whole, or while they are still being written.

`markdown` parses and cleans, `maths` and `maths_rules` turn LaTeX into MathML, `code` highlights, `lists` mends
indentation, `growing` cuts an answer that is being written into finished blocks and the growing one.
"""

from chat.streaming.rendering.growing import GrowingPage
from chat.streaming.rendering.markdown import answer_html, question_html

__all__ = ["GrowingPage", "answer_html", "question_html"]
