-- The broadcast that is on in each chosen room: watched in the time range, or taken part in where no watching is told. `last_record_at`
-- would not do: a refund moves it days later.
current AS (
  SELECT *, if(viewers > 0, viewers, active_users) AS audience FROM broadcast_counters FINAL
  WHERE room_id IN (${room:sqlstring}) AND if(viewers > 0, last_view_at, last_activity_at) >= $__fromTime_ms
    -- Looking back, not one that began later.
    AND if(viewers > 0, first_view_at, first_activity_at) <= $__toTime_ms
    -- Not a day of chat in groups alone.
    AND viewers + interacting_users + paying_users > 0
  -- Where viewers are, first: events that name no broadcast, such as chat in groups, belong to the room's day beside it. Without viewers,
  -- a broadcast that has a name.
  ORDER BY last_view_at DESC, startsWith(broadcast_id, 'day:'), last_activity_at DESC LIMIT 1 BY room_id
)
