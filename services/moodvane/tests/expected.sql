-- What a replay must store, worked out from the raw files alone.
-- Tables post (id, created_at, text) and weather (origin, temp, time_hour) hold the files' columns
-- as text; :days is the shift of the posts in days.

-- name: posts
SELECT strftime('%Y-%m-%d %H', datetime(created_at, :days || ' days')) AS hour, COUNT(DISTINCT id)
FROM post GROUP BY hour ORDER BY hour;

-- name: temperatures
SELECT strftime('%Y-%m-%d %H', time_hour) AS hour, AVG((CAST(temp AS REAL) - 32) * 5 / 9)
FROM weather WHERE origin = 'JFK' AND temp <> 'NA' GROUP BY hour ORDER BY hour;
