-- List the next turns in fair order: of each person for whom no turn is being written, the first. The person who was
-- served least recently comes first; of those who were not served since p_served_since, the one who asked first.
CREATE FUNCTION chat_list_next_turns(p_limit integer, p_served_since timestamptz)
RETURNS TABLE (turn_id uuid, model_id bigint) LANGUAGE sql STABLE AS $$
    SELECT first_turn.id, first_turn.tutor_model_id
    FROM (
        SELECT DISTINCT ON (conversation.owner_id)
            turn.id,
            turn.tutor_model_id,
            conversation.owner_id,
            coalesce(turn.released_at, turn.asked_at) AS queued_at
        FROM chat_turn AS turn
        JOIN chat_conversation AS conversation ON conversation.id = turn.conversation_id
        WHERE turn.state = 'queued' AND NOT EXISTS (
            SELECT FROM chat_turn AS other
            JOIN chat_conversation AS other_conversation ON other_conversation.id = other.conversation_id
            WHERE other_conversation.owner_id = conversation.owner_id AND other.state = 'working'
        )
        ORDER BY conversation.owner_id, queued_at
    ) AS first_turn
    LEFT JOIN LATERAL (
        SELECT max(served.claimed_at) AS at
        FROM chat_turn AS served
        JOIN chat_conversation AS served_conversation ON served_conversation.id = served.conversation_id
        WHERE served_conversation.owner_id = first_turn.owner_id AND served.asked_at > p_served_since
    ) AS last_served ON true
    ORDER BY last_served.at IS NOT NULL, coalesce(last_served.at, first_turn.queued_at), first_turn.queued_at
    LIMIT p_limit
$$;


-- Claim the chosen turns, or the next ones if p_chosen is null. A claim returns all that its worker needs of them.
--
-- The lock serializes claims, so that two workers cannot each claim a turn of the same person. In a function, unlike in
-- one statement, what follows the lock sees what the claim before it has committed.
CREATE FUNCTION chat_claim_turns(
    p_lock bigint,
    p_limit integer,
    p_chosen uuid[],
    p_claim uuid,
    p_now timestamptz,
    p_lease_until timestamptz,
    p_served_since timestamptz
) RETURNS TABLE (
    claimed_turn chat_turn, claimed_conversation chat_conversation, has_other_turns boolean, has_notes boolean
) LANGUAGE plpgsql AS $$
BEGIN
    -- A turn that is stored after this has a nudge of its own.
    IF NOT EXISTS (SELECT FROM chat_turn WHERE state = 'queued') THEN RETURN; END IF;
    PERFORM pg_advisory_xact_lock(p_lock);
    RETURN QUERY
    WITH chosen AS MATERIALIZED (
        SELECT unnest(p_chosen) AS turn_id
        UNION ALL
        SELECT next.turn_id FROM chat_list_next_turns(p_limit, p_served_since) AS next WHERE p_chosen IS NULL
    )
    UPDATE chat_turn AS turn
    SET
        state = 'working',
        claim = p_claim,
        claimed_at = p_now,
        lease_until = p_lease_until,
        claim_count = turn.claim_count + 1
    FROM chosen, chat_conversation AS conversation
    WHERE turn.id = chosen.turn_id AND turn.state = 'queued' AND conversation.id = turn.conversation_id
    RETURNING
        turn,
        conversation,
        EXISTS (
            SELECT FROM chat_turn AS other
            WHERE other.conversation_id = turn.conversation_id AND other.id <> turn.id
        ),
        EXISTS (SELECT FROM chat_note AS note WHERE note.conversation_id = turn.conversation_id);
END
$$;
