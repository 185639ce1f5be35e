-- Viewers of each room's broadcasts of the time range that came from the community.
SELECT room_id, sum(b.viewers_community) AS viewers_community, sum(b.viewers) AS viewers, if(sum(b.viewers) = 0, NULL, sum(b.viewers_community) / sum(b.viewers)) AS community_viewer_share,
  sum(b.group_messages) AS group_messages
FROM broadcast_counters AS b FINAL
WHERE room_id IN (${room:sqlstring}) AND if(b.viewers > 0, b.last_view_at, b.last_activity_at) >= $__fromTime_ms
  AND if(b.viewers > 0, b.first_view_at, b.first_activity_at) <= $__toTime_ms
GROUP BY room_id
ORDER BY viewers_community DESC, room_id
LIMIT 100
