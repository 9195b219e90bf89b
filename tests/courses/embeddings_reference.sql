-- Embeddings of the passages of a language and of their phrases: two arrays in the same order, one statement.
SELECT array_agg(passage ORDER BY passage), string_agg(embedding, '' ORDER BY passage)
FROM (
    SELECT id AS passage, embedding
    FROM courses_passage
    WHERE language = %(language)s
    UNION ALL
    SELECT passage_id, phrase.embedding
    FROM courses_phrase AS phrase
    JOIN courses_passage AS passage ON passage.id = passage_id
    WHERE language = %(language)s
) AS kept
WHERE embedding <> ''
