-- Each lexeme of a language's search phrases, with the phrases that have it.
SELECT word.lexeme, array_agg(phrase.id)
FROM courses_phrase AS phrase
JOIN courses_passage AS passage ON passage.id = phrase.passage_id
CROSS JOIN LATERAL unnest(phrase.search) AS word
WHERE passage.language = %(language)s
GROUP BY word.lexeme
