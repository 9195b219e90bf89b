"""How the tutor helps with homework, held by the site and not only by the prompt (ADR 68).

Pure: what a question is (kinds), what a learner may ask for under an answer (follow_ups), the steps of help and which
follows which (ladder), practice quizzes (quizzes), and true answers about the tutor itself (about_tutor).
"""
