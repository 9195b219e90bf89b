-- Title and excerpt of each passage with marks around the matching words, and its whole text.
SELECT
    id,
    ts_headline(%(config)s::regconfig, translate(title, %(marks)s, ''), query, %(whole)s),
    ts_headline(%(config)s::regconfig, translate(text, %(marks)s, ''), query, %(shown)s),
    text
FROM courses_passage, CAST(%(query)s AS tsquery) AS query
WHERE id = ANY(%(ids)s)
