-- dwell: who watches, and for how long.
-- Time is counted in slots of 10 s (one heartbeat's length): a user is in a slot or not, so late and repeated
-- heartbeats cannot inflate it. A `leave` is not presence.

CREATE TEMPORARY VIEW presence AS
SELECT
  source AS kind, room_id, broadcast_id, user_id, event_time, record_time
FROM `view`
WHERE action <> 'leave';

CREATE TEMPORARY VIEW presence_novelty AS
SELECT *, event_time / 60000 * 60 AS minute_start, MOD(event_time, 60000) / 10000 AS slot
FROM novelty(
  input => TABLE presence PARTITION BY (room_id, user_id),
  kinds => 'community, follow, feed, search, paid, share, other',
  uid => 'presence');

-- A minute and its six slots are one row.
INSERT INTO dwell_room
SELECT
  room_id,
  minute_start AS window_start,
  COUNT(*) FILTER (WHERE user_new_in_1m) AS viewers,
  ARRAY[
    COUNT(*) FILTER (WHERE slot = 0 AND user_new_in_10s),
    COUNT(*) FILTER (WHERE slot = 1 AND user_new_in_10s),
    COUNT(*) FILTER (WHERE slot = 2 AND user_new_in_10s),
    COUNT(*) FILTER (WHERE slot = 3 AND user_new_in_10s),
    COUNT(*) FILTER (WHERE slot = 4 AND user_new_in_10s),
    COUNT(*) FILTER (WHERE slot = 5 AND user_new_in_10s)
  ] AS viewers_10s,
  MAX(record_time) AS last_record_at
FROM presence_novelty
GROUP BY room_id, minute_start;

INSERT INTO dwell_broadcast_slots
SELECT
  room_id,
  broadcast_id,
  minute_start AS window_start,
  ARRAY[
    COUNT(*) FILTER (WHERE slot = 0 AND user_new_in_broadcast_10s),
    COUNT(*) FILTER (WHERE slot = 1 AND user_new_in_broadcast_10s),
    COUNT(*) FILTER (WHERE slot = 2 AND user_new_in_broadcast_10s),
    COUNT(*) FILTER (WHERE slot = 3 AND user_new_in_broadcast_10s),
    COUNT(*) FILTER (WHERE slot = 4 AND user_new_in_broadcast_10s),
    COUNT(*) FILTER (WHERE slot = 5 AND user_new_in_broadcast_10s)
  ] AS viewers_10s,
  MAX(record_time) AS last_record_at
FROM presence_novelty
GROUP BY room_id, broadcast_id, minute_start;

INSERT INTO dwell_broadcast
SELECT
  room_id,
  broadcast_id,
  COUNT(*) FILTER (WHERE user_new_in_broadcast) AS viewers,
  COUNT(*) FILTER (WHERE kind_new_in_broadcast AND kind = 'community') AS viewers_community,
  COUNT(*) FILTER (WHERE kind_new_in_broadcast AND kind = 'follow') AS viewers_follow,
  COUNT(*) FILTER (WHERE kind_new_in_broadcast AND kind = 'feed') AS viewers_feed,
  COUNT(*) FILTER (WHERE kind_new_in_broadcast AND kind = 'search') AS viewers_search,
  COUNT(*) FILTER (WHERE kind_new_in_broadcast AND kind = 'paid') AS viewers_paid,
  COUNT(*) FILTER (WHERE kind_new_in_broadcast AND kind = 'share') AS viewers_share,
  COUNT(*) FILTER (WHERE kind_new_in_broadcast AND kind = 'other') AS viewers_other,
  MIN(TO_TIMESTAMP_LTZ(event_time, 3)) AS first_view_at,
  MAX(TO_TIMESTAMP_LTZ(event_time, 3)) AS last_view_at,
  MAX(record_time) AS last_record_at
FROM presence_novelty
GROUP BY room_id, broadcast_id;
