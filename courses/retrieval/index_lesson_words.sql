-- `word` as written, to correct misspellings; `lexeme` as search uses it, which many words may share.
INSERT INTO courses_lessonword (language, word, lexeme, passages)
SELECT %(language)s, written.word, known.lexeme, known.ndoc
FROM ts_stat(format(
    'SELECT to_tsvector(''simple'', translate(concat_ws('' '', title, extra_search_words, text, (
        SELECT string_agg(phrase.text, '' '') FROM courses_phrase AS phrase WHERE passage_id = passage.id
     )), %%L, %%L))
     FROM courses_passage AS passage WHERE language = %%L',
    %(marks)s::text, %(plain)s::text, %(language)s::text
)) AS written
CROSS JOIN LATERAL unnest(to_tsvector(%(config)s::regconfig, written.word)) AS stemmed
JOIN (
    SELECT word AS lexeme, ndoc
    FROM ts_stat(format('SELECT search FROM courses_passage WHERE language = %%L', %(language)s::text))
) AS known ON known.lexeme = stemmed.lexeme
ON CONFLICT DO NOTHING
