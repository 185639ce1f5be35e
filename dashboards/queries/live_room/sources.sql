-- Where the viewers of the broadcasts that are on came from.
WITH {{current}}
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
