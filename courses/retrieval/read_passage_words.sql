-- Each lexeme of a language's passages, with the passages that have it, and whether in the heading and in the text.
SELECT
    word.lexeme,
    array_agg(passage.id),
    array_agg(word.weights::text LIKE '%%A%%'),
    array_agg(word.weights::text LIKE '%%B%%')
FROM courses_passage AS passage
CROSS JOIN LATERAL unnest(passage.search) AS word
WHERE passage.language = %(language)s
GROUP BY word.lexeme
