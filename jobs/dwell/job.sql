-- dwell: who watches, and for how long.
-- Time is counted in slots of 10 s (one heartbeat's length): a user is in a slot or not, so late and repeated
-- heartbeats cannot inflate it. A `leave` is not presence.
--
-- Heartbeats are most of all events. One state entry for each user and minute therefore answers both grains: the
-- six slots of a minute are six filters on one distinct set.

CREATE TEMPORARY VIEW presence AS
SELECT
  room_id, broadcast_id, user_id, source, event_time, record_time,
  event_time / 60000 * 60 AS minute_start,
  MOD(event_time, 60000) / 10000 AS slot
FROM `view`
WHERE action <> 'leave';

INSERT INTO dwell_room
SELECT
  room_id,
  minute_start AS window_start,
  COUNT(DISTINCT user_id) AS viewers,
  ARRAY[
    COUNT(DISTINCT user_id) FILTER (WHERE slot = 0),
    COUNT(DISTINCT user_id) FILTER (WHERE slot = 1),
    COUNT(DISTINCT user_id) FILTER (WHERE slot = 2),
    COUNT(DISTINCT user_id) FILTER (WHERE slot = 3),
    COUNT(DISTINCT user_id) FILTER (WHERE slot = 4),
    COUNT(DISTINCT user_id) FILTER (WHERE slot = 5)
  ] AS viewers_10s,
  MAX(record_time) AS last_record_at
FROM presence
GROUP BY room_id, minute_start;

INSERT INTO dwell_broadcast_slots
SELECT
  room_id,
  broadcast_id,
  minute_start AS window_start,
  ARRAY[
    COUNT(DISTINCT user_id) FILTER (WHERE slot = 0),
    COUNT(DISTINCT user_id) FILTER (WHERE slot = 1),
    COUNT(DISTINCT user_id) FILTER (WHERE slot = 2),
    COUNT(DISTINCT user_id) FILTER (WHERE slot = 3),
    COUNT(DISTINCT user_id) FILTER (WHERE slot = 4),
    COUNT(DISTINCT user_id) FILTER (WHERE slot = 5)
  ] AS viewers_10s,
  MAX(record_time) AS last_record_at
FROM presence
GROUP BY room_id, broadcast_id, minute_start;

INSERT INTO dwell_broadcast
SELECT
  room_id,
  broadcast_id,
  COUNT(DISTINCT user_id) AS viewers,
  COUNT(DISTINCT user_id) FILTER (WHERE source = 'community') AS viewers_community,
  COUNT(DISTINCT user_id) FILTER (WHERE source = 'follow') AS viewers_follow,
  COUNT(DISTINCT user_id) FILTER (WHERE source = 'feed') AS viewers_feed,
  COUNT(DISTINCT user_id) FILTER (WHERE source = 'search') AS viewers_search,
  COUNT(DISTINCT user_id) FILTER (WHERE source = 'paid') AS viewers_paid,
  COUNT(DISTINCT user_id) FILTER (WHERE source = 'share') AS viewers_share,
  COUNT(DISTINCT user_id) FILTER (WHERE source = 'other') AS viewers_other,
  MIN(TO_TIMESTAMP_LTZ(event_time, 3)) AS first_view_at,
  MAX(TO_TIMESTAMP_LTZ(event_time, 3)) AS last_view_at,
  MAX(record_time) AS last_record_at
FROM presence
GROUP BY room_id, broadcast_id;
