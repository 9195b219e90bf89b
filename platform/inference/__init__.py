"""Models behind any OpenAI-compatible server. Only this room imports `openai`.

Public: errors, loop, place, prices, provider, second_opinion, talk, tokens.
"""
