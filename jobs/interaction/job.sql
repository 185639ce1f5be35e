-- interaction: who takes part, and how much.
-- Comments, likes, group messages and orders are counted one by one: of what was delivered twice, the first counts.

CREATE TEMPORARY VIEW activity AS
SELECT
  'comment' AS kind, 'interaction' AS family, room_id, broadcast_id, user_id, CAST(0 AS BIGINT) AS taps, event_time, record_time
FROM comment_counted
UNION ALL
SELECT 'like', 'interaction', room_id, broadcast_id, user_id, `count`, event_time, record_time
FROM like_counted
UNION ALL
SELECT 'group_message', CAST(NULL AS STRING), room_id, broadcast_id, user_id, 0, event_time, record_time
FROM group_message_counted
WHERE room_id IS NOT NULL
UNION ALL
SELECT 'order', CAST(NULL AS STRING), room_id, broadcast_id, user_id, 0, event_time, record_time
FROM order_counted
WHERE status IN ('created', 'paid');

-- A comment or like is an interaction; every kind makes the user active.
CREATE TEMPORARY VIEW activity_novelty AS
SELECT * FROM novelty(
  input => TABLE activity PARTITION BY (room_id, user_id),
  kinds => 'comment, like, group_message, order, interaction',
  uid => 'activity');

-- Room by 10 s and by 1 min, in one aggregation.
CREATE TEMPORARY VIEW activity_window AS
SELECT room_id, window_seconds, window_start, kind, taps, user_new, family_new, kind_new, record_time
FROM activity_novelty
CROSS JOIN UNNEST(ARRAY[
  ROW(CAST(10 AS BIGINT), event_time / 10000 * 10, user_new_in_10s, family_new_in_10s, kind_new_in_10s),
  ROW(CAST(60 AS BIGINT), event_time / 60000 * 60, user_new_in_1m, family_new_in_1m, kind_new_in_1m)
]) AS grain (window_seconds, window_start, user_new, family_new, kind_new);

INSERT INTO interaction_room
SELECT
  room_id,
  window_seconds,
  window_start,
  COUNT(*) FILTER (WHERE kind = 'comment') AS comments,
  SUM(taps) AS likes,
  COUNT(*) FILTER (WHERE kind = 'group_message') AS group_messages,
  COUNT(*) FILTER (WHERE kind_new AND kind = 'comment') AS commenters,
  COUNT(*) FILTER (WHERE kind_new AND kind = 'like') AS likers,
  COUNT(*) FILTER (WHERE family_new) AS interacting_users,
  COUNT(*) FILTER (WHERE user_new) AS active_users,
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
  COUNT(*) FILTER (WHERE kind_new_in_broadcast AND kind = 'comment') AS commenters,
  COUNT(*) FILTER (WHERE kind_new_in_broadcast AND kind = 'like') AS likers,
  COUNT(*) FILTER (WHERE family_new_in_broadcast) AS interacting_users,
  COUNT(*) FILTER (WHERE user_new_in_broadcast) AS active_users,
  MIN(TO_TIMESTAMP_LTZ(event_time, 3)) AS first_activity_at,
  MAX(TO_TIMESTAMP_LTZ(event_time, 3)) AS last_activity_at,
  MAX(record_time) AS last_record_at
FROM activity_novelty
GROUP BY room_id, broadcast_id;

-- Minutes in which a user was active: the inferred time that a broadcast was watched.
INSERT INTO interaction_broadcast_minutes
SELECT
  room_id,
  broadcast_id,
  event_time / 60000 * 60 AS window_start,
  COUNT(*) FILTER (WHERE user_new_in_broadcast_1m) AS active_users,
  MAX(record_time) AS last_record_at
FROM activity_novelty
GROUP BY room_id, broadcast_id, event_time / 60000 * 60;

-- Chat groups by 1 min, whether or not they belong to a room.
CREATE TEMPORARY VIEW group_activity AS
SELECT role AS kind, group_id, broadcast_id, user_id, event_time, record_time
FROM group_message_counted;

CREATE TEMPORARY VIEW group_activity_novelty AS
SELECT * FROM novelty(
  input => TABLE group_activity PARTITION BY (group_id, user_id),
  kinds => 'member, staff',
  uid => 'group_activity');

INSERT INTO interaction_group
SELECT
  group_id,
  event_time / 60000 * 60 AS window_start,
  COUNT(*) AS messages,
  COUNT(*) FILTER (WHERE kind = 'staff') AS staff_messages,
  COUNT(*) FILTER (WHERE kind_new_in_1m AND kind = 'member') AS members,
  COUNT(*) FILTER (WHERE kind_new_in_1m AND kind = 'staff') AS staff,
  MAX(record_time) AS last_record_at
FROM group_activity_novelty
GROUP BY group_id, event_time / 60000 * 60;
