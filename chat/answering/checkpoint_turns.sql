-- Renew the leases of the turns that their claims still hold, and keep what has been generated.
UPDATE chat_turn AS turn
SET lease_until = %(lease_until)s, answer = kept.answer, answer_tokens = kept.answer_tokens
FROM unnest(%(ids)s::uuid[], %(claims)s::uuid[], %(answers)s::text[], %(tokens)s::int[])
    AS kept (id, claim, answer, answer_tokens)
WHERE turn.id = kept.id AND turn.claim = kept.claim
RETURNING turn.id, turn.stop_requested_at IS NOT NULL
