"""What the tutor remembers of a conversation: a person's own sentences, chosen without a model.

notes.py chooses them, by the phrases of note_cues.toml; it reads no database. services.py has what their asker does
with them, and costs.py what answers have cost and what remembering everything would have. All of it is public.
"""
