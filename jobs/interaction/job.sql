-- interaction: who takes part, and how much.
-- Comments, likes, group messages and orders are counted one by one: of what was delivered twice, the first counts.

CREATE TEMPORARY VIEW activity AS
SELECT 'comment' AS kind, room_id, broadcast_id, user_id, CAST(0 AS BIGINT) AS taps, event_time, record_time FROM comment_counted
UNION ALL
SELECT 'like', room_id, broadcast_id, user_id, `count`, event_time, record_time FROM like_counted
UNION ALL
SELECT 'group_message', room_id, broadcast_id, user_id, 0, event_time, record_time FROM group_message_counted WHERE room_id IS NOT NULL
UNION ALL
SELECT 'order', room_id, broadcast_id, user_id, 0, event_time, record_time FROM order_counted WHERE status IN ('created', 'paid');

-- Room by 10 s and by 1 min, in one aggregation.
CREATE TEMPORARY VIEW activity_window AS
SELECT CAST(10 AS BIGINT) AS window_seconds, event_time / 10000 * 10 AS window_start, * FROM activity
UNION ALL
SELECT CAST(60 AS BIGINT) AS window_seconds, event_time / 60000 * 60 AS window_start, * FROM activity;

INSERT INTO interaction_room
SELECT
  room_id,
  window_seconds,
  window_start,
  COUNT(*) FILTER (WHERE kind = 'comment') AS comments,
  SUM(taps) AS likes,
  COUNT(*) FILTER (WHERE kind = 'group_message') AS group_messages,
  COUNT(DISTINCT user_id) FILTER (WHERE kind = 'comment') AS commenters,
  COUNT(DISTINCT user_id) FILTER (WHERE kind = 'like') AS likers,
  COUNT(DISTINCT user_id) FILTER (WHERE kind IN ('comment', 'like')) AS interacting_users,
  COUNT(DISTINCT user_id) AS active_users,
  MAX(record_time) AS last_record_at
FROM activity_window
GROUP BY room_id, window_seconds, window_start;

INSERT INTO interaction_broadcast
SELECT
  room_id,
  broadcast_id,
  COUNT(*) FILTER (WHERE kind = 'comment') AS comments,
  SUM(taps) AS likes,
  COUNT(*) FILTER (WHERE kind = 'group_message') AS group_messages,
  COUNT(DISTINCT user_id) FILTER (WHERE kind = 'comment') AS commenters,
  COUNT(DISTINCT user_id) FILTER (WHERE kind = 'like') AS likers,
  COUNT(DISTINCT user_id) FILTER (WHERE kind IN ('comment', 'like')) AS interacting_users,
  COUNT(DISTINCT user_id) AS active_users,
  MIN(TO_TIMESTAMP_LTZ(event_time, 3)) AS first_activity_at,
  MAX(TO_TIMESTAMP_LTZ(event_time, 3)) AS last_activity_at,
  MAX(record_time) AS last_record_at
FROM activity
GROUP BY room_id, broadcast_id;

-- Minutes in which a user was active: the inferred time that a broadcast was watched.
INSERT INTO interaction_broadcast_minutes
SELECT
  room_id,
  broadcast_id,
  event_time / 60000 * 60 AS window_start,
  COUNT(DISTINCT user_id) AS active_users,
  MAX(record_time) AS last_record_at
FROM activity
GROUP BY room_id, broadcast_id, event_time / 60000 * 60;

-- Chat groups by 1 min, whether or not they belong to a room.
INSERT INTO interaction_group
SELECT
  group_id,
  event_time / 60000 * 60 AS window_start,
  COUNT(*) AS messages,
  COUNT(*) FILTER (WHERE role = 'staff') AS staff_messages,
  COUNT(DISTINCT user_id) FILTER (WHERE role = 'member') AS members,
  COUNT(DISTINCT user_id) FILTER (WHERE role = 'staff') AS staff,
  MAX(record_time) AS last_record_at
FROM group_message_counted
GROUP BY group_id, event_time / 60000 * 60;
