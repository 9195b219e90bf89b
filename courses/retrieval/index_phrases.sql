-- Each phrase with the summed weight of its words, weighed as in find_passages.sql.
WITH known AS MATERIALIZED (
    SELECT
        word AS lexeme,
        ln(1 + (SELECT count(*) FROM courses_passage WHERE language = %(language)s) / (0.5 + ndoc))
            * CASE
                WHEN to_tsvector(%(config)s::regconfig, %(ordinary_words)s) @@ quote_literal(word)::tsquery
                THEN %(ordinary)s
                ELSE 1
            END AS weight
    FROM ts_stat(format('SELECT search FROM courses_passage WHERE language = %%L', %(language)s::text))
),
stemmed AS MATERIALIZED (
    SELECT phrase.id, to_tsvector(%(config)s::regconfig, phrase.text) AS words
    FROM courses_phrase AS phrase
    JOIN courses_passage AS passage ON passage.id = passage_id
    WHERE passage.language = %(language)s
)
UPDATE courses_phrase AS phrase SET search = words, weight = total
FROM (
    SELECT id, words, coalesce(sum(known.weight ORDER BY lexeme), 0) AS total
    FROM stemmed
    LEFT JOIN LATERAL unnest(tsvector_to_array(words)) AS lexeme ON true
    LEFT JOIN known USING (lexeme)
    GROUP BY id, words
) AS weighed
WHERE weighed.id = phrase.id
