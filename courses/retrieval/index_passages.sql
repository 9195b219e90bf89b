-- A: title and keywords. B: text. C: search phrases.
UPDATE courses_passage SET search =
    setweight(to_tsvector(%(config)s::regconfig, translate(title || ' ' || extra_search_words, %(marks)s, %(plain)s)), 'A')
    || setweight(to_tsvector(%(config)s::regconfig, translate(text, %(marks)s, %(plain)s)), 'B')
    || setweight(to_tsvector(%(config)s::regconfig, coalesce((
        SELECT string_agg(phrase.text, ' ' ORDER BY id)
        FROM courses_phrase AS phrase
        WHERE passage_id = courses_passage.id
    ), '')), 'C')
WHERE language = %(language)s
