-- The conversion rate of the last ten complete minutes for each that the room had in the 14 days before; rooms with too little to compare are left out.
-- A room that tells who watches is judged by its minutes with viewers: the others, such as those of chat between broadcasts, have an inferred
-- audience, which no exact one can be compared with.
SELECT room_id AS subject, (now_users / now_audience) / (past_users / past_audience) AS value
FROM (
  SELECT
    room_id, is_exact,
    sumIf(audience, is_now) AS now_audience, sumIf(users, is_now) AS now_users,
    sumIf(audience, NOT is_now) AS past_audience, sumIf(users, NOT is_now) AS past_users
  FROM (
    SELECT
      room_id, paying_users AS users, if(viewers > 0, viewers, active_users) AS audience, viewers > 0 AS is_exact,
      window_start >= toStartOfMinute(now()) - INTERVAL 10 MINUTE AS is_now
    FROM room_1m_counters FINAL
    WHERE window_start >= now() - INTERVAL 14 DAY AND window_start < toStartOfMinute(now())
      -- Not chat in groups alone.
      AND viewers + interacting_users + paying_users > 0
  )
  GROUP BY room_id, is_exact
  ORDER BY is_exact DESC LIMIT 1 BY room_id
)
-- At the usual rate at least 20 users would have done it by now: less than a third of that is no chance.
WHERE past_audience > 0 AND past_users > 0 AND now_audience * past_users / past_audience >= 20
ORDER BY subject
