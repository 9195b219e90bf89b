INSERT INTO safeguarding_weeklycount (week_start, kind, level, protocol, count)
VALUES (%(week_start)s, %(kind)s, %(level)s, %(protocol)s, 1)
ON CONFLICT (week_start, kind, level, protocol) DO UPDATE SET count = safeguarding_weeklycount.count + 1
