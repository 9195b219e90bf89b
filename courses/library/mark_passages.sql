-- Title and excerpt of each passage with marks around the matching words, and its whole text.
SELECT
    id,
    ts_headline(%(config)s::regconfig, translate(title, %(marks)s, ''), telling, %(whole)s),
    ts_headline(%(config)s::regconfig, translate(text, %(marks)s, ''), telling, %(shown)s),
    text
FROM courses_passage, CAST(%(telling)s AS tsquery) AS telling
WHERE id = ANY(%(ids)s)
