-- Where the viewers of the chosen broadcasts came from.
SELECT source.1 AS viewer_source, source.2 AS viewers
FROM (
  SELECT arrayJoin([
    ('community', sum(viewers_community)), ('follow', sum(viewers_follow)), ('feed', sum(viewers_feed)), ('search', sum(viewers_search)),
    ('paid', sum(viewers_paid)), ('share', sum(viewers_share)), ('other', sum(viewers_other))
  ]) AS source
  FROM broadcast_counters FINAL
  WHERE room_id IN (${room:sqlstring}) AND broadcast_id IN (${broadcast:sqlstring})
)
WHERE viewers > 0
ORDER BY viewers DESC, viewer_source
