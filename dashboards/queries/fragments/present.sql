-- Who watches in each chosen room now: where no views are told, who is active. Chat in its groups alone makes no viewers.
present AS (
  SELECT
    room_id, multiIf(max(viewers) > 0, max(viewers), max(interacting_users) + max(paying_users) > 0, max(active_users), 0) AS watching
  FROM room_10s_counters
  WHERE room_id IN (${room:sqlstring}) AND window_start >= now() - INTERVAL 30 SECOND GROUP BY room_id
)
