-- Rooms that need a look first, with the reason: the last three complete minutes against the ten before, silence since the newest record,
-- and orders refunded in these thirteen minutes for each paid in them.
SELECT room_id, attention, now_share, usual_share
FROM (
  SELECT
    room_id,
    arrayJoin(arrayFilter(x -> x.4, [
      ('audience falls', recent.1 / 3, before.1 / 10, recent.1 / 3 < 0.7 * before.1 / 10),
      ('interaction falls', recent.2 / recent.1, before.2 / before.1, recent.1 > 0 AND recent.2 / recent.1 < 0.5 * before.2 / before.1),
      ('conversion falls', recent.3 / recent.1, before.3 / before.1, recent.1 > 0 AND before.3 >= 10 AND recent.3 / recent.1 < 0.3 * before.3 / before.1),
      ('nothing arrives', toFloat64(stale), toFloat64(0), stale > 60),
      ('refunds', refunded / paid, toFloat64(0.2), paid >= 20 AND refunded / paid > 0.2)
    ])) AS found,
    found.1 AS attention, found.2 AS now_share, found.3 AS usual_share
  FROM (
    SELECT
      room_id,
      (sumIf(audience, is_recent), sumIf(interacting_users, is_recent AND is_watched), sumIf(paying_users, is_recent AND is_watched)) AS recent,
      (sumIf(audience, is_before), sumIf(interacting_users, is_before AND is_watched), sumIf(paying_users, is_before AND is_watched)) AS before,
      sumIf(orders_refunded, is_over) AS refunded, sumIf(orders_paid, is_over) AS paid,
      dateDiff('second', max(last_record_at), now64(3)) AS stale
    FROM (
      SELECT
        *,
        -- Where the room tells who watches, nobody does in a minute without viewers, whoever goes on chatting.
        max(viewers) OVER (PARTITION BY room_id) > 0 AS is_exact, viewers > 0 OR NOT is_exact AS is_watched,
        if(is_exact, viewers, active_users) AS audience,
        -- The minute that is filling has a share of nothing yet, but the newest record.
        window_start < toStartOfMinute(now()) AS is_over,
        is_over AND window_start >= toStartOfMinute(now()) - INTERVAL 3 MINUTE AS is_recent,
        window_start < toStartOfMinute(now()) - INTERVAL 3 MINUTE AS is_before
      FROM room_1m_counters FINAL
      WHERE room_id IN (${room:sqlstring}) AND window_start >= toStartOfMinute(now()) - INTERVAL 13 MINUTE
    )
    GROUP BY room_id
    HAVING before.1 > 0
  )
)
ORDER BY indexOf(['nothing arrives', 'audience falls', 'conversion falls', 'interaction falls', 'refunds'], attention), room_id
LIMIT 50
