-- The last five complete minutes against the same minutes of the rooms' broadcasts of the 14 days before; the worst first.
-- Rates are of the minutes' users and viewers, added up: who stays counts in each. A broadcast's own rates count everyone once.
SELECT metric, now_value, usual_value, change
FROM (
  SELECT
    arrayJoin([
      ('audience', is.1 / nullIf(is.7, 0), was.1 / nullIf(was.7, 0), 0),
      ('interaction rate by minute', is.2 / nullIf(is.1, 0), was.2 / nullIf(was.1, 0), 1),
      ('comments per viewer-minute', is.3 / nullIf(is.1, 0), was.3 / nullIf(was.1, 0), 2),
      ('likes per viewer-minute', is.4 / nullIf(is.1, 0), was.4 / nullIf(was.1, 0), 2),
      ('click rate by minute', is.5 / nullIf(is.1, 0), was.5 / nullIf(was.1, 0), 1),
      ('conversion rate by minute', is.6 / nullIf(is.1, 0), was.6 / nullIf(was.1, 0), 1)
    ]) AS row,
    row.1 AS metric,
    if(row.4 = 1, concat(toString(round(row.2 * 100, 1)), ' %'), toString(round(row.2, row.4))) AS now_value,
    if(row.4 = 1, concat(toString(round(row.3 * 100, 1)), ' %'), toString(round(row.3, row.4))) AS usual_value,
    row.2 / nullIf(row.3, 0) - 1 AS change
  FROM (
    SELECT
      (sumIf(audience, is_now), sumIf(interacting_users, is_now), sumIf(comments, is_now), sumIf(likes, is_now),
        sumIf(click_users, is_now), sumIf(paying_users, is_now), countIf(is_now)) AS is,
      (sumIf(audience, NOT is_now), sumIf(interacting_users, NOT is_now), sumIf(comments, NOT is_now), sumIf(likes, NOT is_now),
        sumIf(click_users, NOT is_now), sumIf(paying_users, NOT is_now), countIf(NOT is_now)) AS was
    FROM (
      WITH broadcasts AS (
        SELECT
          room_id, toStartOfMinute(if(viewers > 0, first_view_at, first_activity_at)) AS began,
          max(began) OVER (PARTITION BY room_id) AS began_last
        FROM broadcast_counters FINAL
        WHERE room_id IN (${room:sqlstring}) AND began >= now() - INTERVAL 14 DAY AND (viewers > 0 OR comments > 0)
      )
      SELECT
        began = began_last AS is_now,
        dateDiff('minute', began, minutes.window_start) - dateDiff('minute', began_last, toStartOfMinute(now())) AS minutes_ahead,
        if(viewers > 0, viewers, active_users) AS audience, interacting_users, comments, likes, click_users, paying_users
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
    WHERE minutes_ahead BETWEEN -5 AND -1
  )
)
WHERE now_value IS NOT NULL
ORDER BY change ASC NULLS LAST
