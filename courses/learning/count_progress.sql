-- Each person's work in each current module in which they were active since a time: positions of lessons read and
-- the number of answers. People with the same work are counted together.
WITH lesson AS (
    SELECT DISTINCT module.slug AS module, lesson.slug, lesson."order" AS place
    FROM courses_lesson AS lesson
    JOIN courses_module AS module ON module.id = lesson.module_id
),
question AS (
    SELECT DISTINCT module.slug AS module, question.slug
    FROM courses_quizquestion AS question
    JOIN courses_module AS module ON module.id = question.module_id
),
did AS (
    SELECT done.person_id, lesson.module, lesson.place, done.done_at AS at
    FROM courses_lessondone AS done
    JOIN lesson ON (lesson.module, lesson.slug) = (done.module_slug, done.lesson_slug)
    UNION ALL
    SELECT answer.person_id, question.module, NULL, answer.answered_at
    FROM courses_quizanswer AS answer
    JOIN question ON (question.module, question.slug) = (answer.module_slug, answer.question_slug)
),
taken AS (
    SELECT
        module,
        array_agg(place ORDER BY place) FILTER (WHERE place IS NOT NULL) AS places,
        count(*) FILTER (WHERE place IS NULL) AS answers
    FROM did
    GROUP BY person_id, module
    HAVING max(at) >= %(since)s
)
SELECT module, coalesce(places, '{}'), answers, count(*)
FROM taken
GROUP BY module, places, answers
