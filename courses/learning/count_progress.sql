-- Each person's work in each current module in which they were active since a time: positions of lessons read and
-- the number of answers. People with the same work are counted together.
WITH lesson AS (
    SELECT DISTINCT module.slug AS module, lesson.slug, lesson."order" AS position
    FROM courses_lesson AS lesson
    JOIN courses_module AS module ON module.id = lesson.module_id
),
question AS (
    SELECT DISTINCT module.slug AS module, question.slug
    FROM courses_quizquestion AS question
    JOIN courses_module AS module ON module.id = question.module_id
),
activity AS (
    SELECT done.person_id, lesson.module, lesson.position, done.done_at AS at
    FROM courses_lessondone AS done
    JOIN lesson ON (lesson.module, lesson.slug) = (done.module_slug, done.lesson_slug)
    UNION ALL
    SELECT answer.person_id, question.module, NULL, answer.answered_at
    FROM courses_quizanswer AS answer
    JOIN question ON (question.module, question.slug) = (answer.module_slug, answer.question_slug)
),
progress AS (
    SELECT
        module,
        array_agg(position ORDER BY position) FILTER (WHERE position IS NOT NULL) AS positions,
        count(*) FILTER (WHERE position IS NULL) AS answers
    FROM activity
    GROUP BY person_id, module
    HAVING max(at) >= %(since)s
)
SELECT module, coalesce(positions, '{}'), answers, count(*)
FROM progress
GROUP BY module, positions, answers
