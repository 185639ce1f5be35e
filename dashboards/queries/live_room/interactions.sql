-- Comments and likes in each minute; the last minute is still filling.
SELECT window_start AS time, sum(room_1m.comments) AS comments, sum(room_1m.likes) AS likes
FROM room_1m
WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
GROUP BY time ORDER BY time
