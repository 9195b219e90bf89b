"""What asking, answering and the pages share about turns: verdicts, queue, retries, outages, outcomes.

All of it is public.
"""
