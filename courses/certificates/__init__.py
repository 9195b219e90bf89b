"""A certificate says what somebody had done of a module on a day, and anybody who has its address can check it.

Public: issuing.
"""
