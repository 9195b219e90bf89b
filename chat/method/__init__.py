"""How the tutor helps with homework, held by the site and not only by the prompt (ADR 68).

Pure: what a message is, by rules (reading), the steps of help and what a message leads to (ladder), and practice
quizzes (quizzes).
"""
