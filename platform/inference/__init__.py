"""Models behind any OpenAI-compatible server. Only this room imports `openai`.

Public: endpoints, errors, inspection, location, loop, messages, prices, provider, remote_guard, repetition, tokens.
"""
