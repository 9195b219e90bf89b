"""Markdown, code and math as safe HTML. No models and no settings of ours.

Public: markdown.
"""
