"""Models behind any OpenAI-compatible server. Only this room imports `openai`.

Public: endpoints, errors, location, loop, messages, prices, provider, remote_guard, repetition, tokens.
"""
