-- Where the viewers of the broadcasts that are on came from.
WITH current AS (
  SELECT * FROM broadcast_counters FINAL
  WHERE room_id IN (${room:sqlstring}) AND last_record_at >= $__fromTime_ms
  ORDER BY last_view_at DESC, last_activity_at DESC LIMIT 1 BY room_id
)
SELECT source.1 AS viewer_source, source.2 AS viewers
FROM (
  SELECT arrayJoin([
    ('community', sum(viewers_community)), ('follow', sum(viewers_follow)), ('feed', sum(viewers_feed)), ('search', sum(viewers_search)),
    ('paid', sum(viewers_paid)), ('share', sum(viewers_share)), ('other', sum(viewers_other))
  ]) AS source
  FROM current
)
WHERE viewers > 0
ORDER BY viewers DESC, viewer_source
