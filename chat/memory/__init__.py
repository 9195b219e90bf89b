"""What the tutor remembers of a conversation: a person's own sentences, chosen without a model.

notes.py chooses them, by the phrases of note_cues.toml. It is pure: no database, and nothing of chat.

Public: notes.
"""
