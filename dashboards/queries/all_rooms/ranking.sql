-- Rooms by how many watch, with the rates of the broadcast that is on, and trends and sums of the time range.
WITH {{current}}, {{present}}
SELECT room_id, watching, audience_trend, interaction_rate, conversion_rate, orders_trend, orders_paid, currency, gmv_paid
FROM (
  SELECT
    room_id,
    -- From the range's start to its end, so that rows have one time axis.
    sparkbar(24, toUnixTimestamp($__fromTime), toUnixTimestamp($__toTime))(toUnixTimestamp(window_start), audience) AS audience_trend,
    sparkbar(24, toUnixTimestamp($__fromTime), toUnixTimestamp($__toTime))(toUnixTimestamp(window_start), m.orders_paid) AS orders_trend,
    sum(m.orders_paid) AS orders_paid
  FROM (
    SELECT room_id, window_start, orders_paid, if(viewers > 0, viewers, active_users) AS audience
    FROM room_1m_counters FINAL
    WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
  ) AS m
  GROUP BY room_id
) AS rooms
LEFT JOIN (
  -- Not sums of minutes: who watches for an hour would be 60 viewers.
  SELECT
    room_id, if(audience = 0, NULL, interacting_users / audience) AS interaction_rate, if(audience = 0, NULL, paying_users / audience) AS conversion_rate
  FROM current
) AS broadcasts USING (room_id)
LEFT JOIN present USING (room_id)
LEFT JOIN (
  SELECT room_id, currency, sum(s.gmv_paid) / {{minor_units}} AS gmv_paid
  FROM room_sales_1m_counters AS s FINAL
  WHERE room_id IN (${room:sqlstring}) AND $__timeFilter(window_start)
  GROUP BY room_id, currency ORDER BY sum(s.orders_paid) DESC, gmv_paid DESC LIMIT 1 BY room_id
) AS sales USING (room_id)
ORDER BY watching DESC, room_id
LIMIT 200
