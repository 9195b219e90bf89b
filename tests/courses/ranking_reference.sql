-- The ranking of courses.retrieval.passage_index as one statement: a plain reference for tests/courses/test_ranking.py.
-- It is how search worked until ADR 56, so it also stems and corrects words with PostgreSQL.
WITH common AS MATERIALIZED (
    SELECT to_tsvector(%(config)s::regconfig, %(ordinary_words)s) AS words
),
asked AS (
    SELECT
        word,
        lexeme,
        (
            SELECT passages
            FROM courses_lessonword AS lesson_word
            WHERE lesson_word.language = %(language)s AND lesson_word.lexeme = stemmed.lexeme
            LIMIT 1
        ) AS passages
    FROM unnest(%(words)s::text[]) AS word
    CROSS JOIN LATERAL unnest(to_tsvector(%(config)s::regconfig, word)) AS stemmed
),
-- Replace a word that no lesson uses with one that only has other accents, or else with the most similar one.
understood AS (
    SELECT lexeme, passages, 1.0 AS confidence
    FROM asked
    WHERE passages IS NOT NULL
    UNION ALL
    SELECT
        coalesce(unaccented.lexeme, meant.lexeme, asked.lexeme),
        coalesce(unaccented.passages, meant.passages, 0),
        CASE WHEN unaccented.lexeme IS NULL THEN %(likely)s ELSE 1.0 END
    FROM asked
    LEFT JOIN LATERAL (
        SELECT lexeme, passages
        FROM courses_lessonword AS lesson_word
        WHERE
            lesson_word.language = %(language)s
            AND regexp_replace(normalize(lesson_word.word, NFD), E'[\u0300-\u036f]', '', 'g')
                = regexp_replace(normalize(asked.word, NFD), E'[\u0300-\u036f]', '', 'g')
        ORDER BY lesson_word.passages DESC, lesson_word.word DESC, lesson_word.lexeme DESC
        LIMIT 1
    ) AS unaccented ON true
    LEFT JOIN LATERAL (
        SELECT lexeme, passages
        FROM courses_lessonword AS lesson_word
        WHERE
            lesson_word.language = %(language)s
            AND length(asked.word) > 3
            AND lesson_word.word %% asked.word
            AND similarity(lesson_word.word, asked.word) >= %(likeness)s
        ORDER BY similarity(lesson_word.word, asked.word) DESC, lesson_word.word
        LIMIT 1
    ) AS meant ON true
    WHERE asked.passages IS NULL
),
weighed AS (
    SELECT
        lexeme,
        quote_literal(lexeme) AS quoted,
        min(confidence) AS confidence,
        is_ordinary,
        ln(1 + (SELECT count(*) FROM courses_passage WHERE language = %(language)s) / (0.5 + max(passages)))
            * CASE WHEN is_ordinary THEN %(ordinary)s ELSE 1 END AS weight
    FROM (
        SELECT *, (SELECT words FROM common) @@ quote_literal(lexeme)::tsquery AS is_ordinary
        FROM understood
    ) AS told
    GROUP BY lexeme, is_ordinary
),
-- The weight that a passage's best phrase adds to its own words.
phrased AS (
    SELECT passage_id, max(more) AS more
    FROM (
        SELECT
            phrase.passage_id,
            sum(weighed.weight * confidence * (NOT passage.search @@ (quoted || ':A')::tsquery)::int)
                * sqrt(least(1.0, sum(weighed.weight) / phrase.weight)) AS more
        FROM courses_phrase AS phrase
        JOIN weighed ON phrase.search @@ quoted::tsquery
        JOIN courses_passage AS passage ON passage.id = phrase.passage_id AND passage.language = %(language)s
        GROUP BY phrase.id
        HAVING sum(CASE WHEN is_ordinary THEN 0.5 ELSE 1 END * confidence) >= %(min_phrase_words)s
    ) AS each
    GROUP BY passage_id
)
SELECT
    id,
    (
        SELECT coalesce(string_agg(quoted, ' | ') FILTER (WHERE NOT is_ordinary), string_agg(quoted, ' | '), '')
        FROM weighed
    ) AS highlight_query
FROM (
    SELECT
        passage.id,
        sum(weight * (passage.search @@ (quoted || ':B')::tsquery)::int) AS text_weight,
        (
            sum(
                weight * confidence * CASE
                    WHEN passage.search @@ (quoted || ':A')::tsquery THEN 1
                    WHEN passage.search @@ (quoted || ':B')::tsquery THEN %(in_text)s
                    ELSE 0
                END
            ) + coalesce(max(phrased.more), 0)
        ) / (SELECT sum(weight) FROM weighed) AS share
    FROM courses_passage AS passage
    JOIN weighed ON passage.search @@ quoted::tsquery
    LEFT JOIN phrased ON phrased.passage_id = passage.id
    WHERE passage.language = %(language)s
    GROUP BY passage.id
) AS worded
FULL JOIN unnest(%(near)s::bigint[], %(nearness)s::float[]) AS meant (id, nearness) USING (id)
WHERE share >= %(min_share)s OR nearness >= %(min_similarity)s
-- Rounded, so that equal sums tie whatever their order of addition.
ORDER BY
    round((coalesce(share, 0) + coalesce(nearness, 0))::numeric, 9) DESC,
    round(text_weight::numeric, 9) DESC NULLS LAST,
    id
LIMIT %(most)s
