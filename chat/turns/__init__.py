"""What asking, answering and the pages do alike with a turn: verdicts, queue, retries, outages, outcomes.

All of it is public.
"""
