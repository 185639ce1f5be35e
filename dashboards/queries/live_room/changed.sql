-- The last five complete minutes against the same minutes of the rooms' broadcasts of the 14 days before; the worst first.
-- Rates are of the minutes' users and viewers, added up: who stays counts in each. A broadcast's own rates count everyone once.
-- Of the same rooms: those that had such minutes before, or all where none had.
SELECT metric, now_value, usual_value, change
FROM (
  SELECT
    arrayJoin([
      ('audience', if(empty(is), NULL, is[1]), if(empty(was), NULL, was[1]), 0),
      ('interaction rate by minute', is[2] / nullIf(is[1], 0), was[2] / nullIf(was[1], 0), 1),
      ('comments per viewer-minute', is[3] / nullIf(is[1], 0), was[3] / nullIf(was[1], 0), 2),
      ('likes per viewer-minute', is[4] / nullIf(is[1], 0), was[4] / nullIf(was[1], 0), 2),
      ('click rate by minute', is[5] / nullIf(is[1], 0), was[5] / nullIf(was[1], 0), 1),
      ('conversion rate by minute', is[6] / nullIf(is[1], 0), was[6] / nullIf(was[1], 0), 1)
    ]) AS row,
    row.1 AS metric,
    if(row.4 = 1, concat(toString(round(row.2 * 100, 1)), ' %'), toString(round(row.2, row.4))) AS now_value,
    if(row.4 = 1, concat(toString(round(row.3 * 100, 1)), ' %'), toString(round(row.3, row.4))) AS usual_value,
    row.2 / nullIf(row.3, 0) - 1 AS change
  FROM (
    SELECT sumForEach(now_counts) AS is, sumForEach(past_counts) AS was
    FROM (
      SELECT now_counts, past_counts, has_past = max(has_past) OVER () AS is_compared
      FROM (
        -- Averages of each room's minutes, so that a room weighs the same on both sides, however many broadcasts it had.
        SELECT
          room_id, avgForEachIf(counts, is_now) AS now_counts, avgForEachIf(counts, NOT is_now) AS past_counts,
          notEmpty(past_counts) AS has_past
        FROM (
          WITH broadcasts AS (
            SELECT room_id, is_exact, began, ended, newest.2 AS began_last
            FROM (
              SELECT
                room_id, viewers > 0 AS is_exact,
                assumeNotNull(toStartOfMinute(if(is_exact, first_view_at, first_activity_at))) AS began,
                toStartOfMinute(if(is_exact, last_view_at, last_activity_at)) AS ended,
                -- The room's day beside its broadcasts, of events that name none, is no broadcast.
                if(is_exact, 2, NOT startsWith(broadcast_id, 'day:')) AS kind, max((kind, began)) OVER (PARTITION BY room_id) AS newest
              FROM broadcast_counters FINAL
              WHERE room_id IN (${room:sqlstring}) AND began >= now() - INTERVAL 14 DAY AND viewers + interacting_users + paying_users > 0
            )
            WHERE kind = newest.1
          )
          SELECT
            minutes.room_id AS room_id, minutes.window_start AS minute, ended, began = began_last AS is_now,
            dateDiff('minute', began, minute) - dateDiff('minute', began_last, toStartOfMinute(now())) AS minutes_ahead,
            [if(is_exact, viewers, active_users), interacting_users, comments, likes, click_users, paying_users] AS counts
          FROM (
            SELECT room_id, window_start, viewers, active_users, interacting_users, comments, likes, click_users, paying_users
            FROM room_1m_counters FINAL
            -- PREWHERE is before FINAL, which would first merge every minute.
            PREWHERE window_start >= now() - INTERVAL 14 DAY AND (room_id, window_start) IN (
              SELECT room_id, toDateTime(began + (toStartOfMinute(now()) - began_last) - 60 * arrayJoin([1, 2, 3, 4, 5])) FROM broadcasts
            )
          ) AS minutes
          ASOF INNER JOIN broadcasts ON broadcasts.room_id = minutes.room_id AND broadcasts.began <= minutes.window_start
        )
        -- What a room does after a broadcast, such as chat, is not of it.
        WHERE minutes_ahead BETWEEN -5 AND -1 AND minute <= ended
        GROUP BY room_id
        HAVING notEmpty(now_counts)
      )
    )
    WHERE is_compared
  )
)
WHERE now_value IS NOT NULL
ORDER BY change ASC NULLS LAST
