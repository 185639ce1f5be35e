-- The broadcast that is on in each chosen room: watched in the time range, or taken part in where no watching is told. `last_record_at`
-- would not do: a refund moves it days later.
current AS (
  SELECT *, if(viewers > 0, viewers, active_users) AS audience FROM broadcast_counters FINAL
  WHERE room_id IN (${room:sqlstring}) AND if(viewers > 0, last_view_at, last_activity_at) >= $__fromTime_ms
  -- Where viewers are, first: events that name no broadcast, such as chat in groups, belong to the room's day beside it.
  ORDER BY last_view_at DESC, last_activity_at DESC LIMIT 1 BY room_id
)
