-- Claim turns (chat/migrations/0003_claim_turns.sql), and return their rows and those of their conversations.
SELECT
    %(turn)s,
    %(conversation)s,
    has_other_turns,
    has_notes
FROM chat_claim_turns(
    %%(lock)s, %%(limit)s, %%(chosen)s::uuid[], %%(claim)s, %%(now)s, %%(lease_until)s, %%(served_since)s
)
