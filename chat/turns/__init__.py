"""What asking, answering and the pages share about turns: verdicts, queue, outages, outcomes.

All of it is public.
"""
