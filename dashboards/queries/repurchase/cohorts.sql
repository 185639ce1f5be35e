-- Buyers by the week of their first order in the chosen rooms, and the share of them who bought again so many weeks later. A week is
-- over when it is so for who came last, on the cohort's Sunday: week n ends 6 + 7 n + 6 days after its Monday.
SELECT
  cohort,
  buyers,
  if(is_today <= toDate(cohort) + 19, NULL, again[1] / buyers) AS week_1,
  if(is_today <= toDate(cohort) + 26, NULL, again[2] / buyers) AS week_2,
  if(is_today <= toDate(cohort) + 33, NULL, again[3] / buyers) AS week_3,
  if(is_today <= toDate(cohort) + 40, NULL, again[4] / buyers) AS week_4,
  if(is_today <= toDate(cohort) + 68, NULL, again[5] / buyers) AS weeks_5_to_8,
  if(is_today <= toDate(cohort) + 103, NULL, again[6] / buyers) AS weeks_9_to_13
FROM (
  SELECT
    cohort,
    count() AS buyers,
    [
      countIf(has(weeks, 1)), countIf(has(weeks, 2)), countIf(has(weeks, 3)), countIf(has(weeks, 4)), countIf(hasAny(weeks, range(5, 9))),
      countIf(hasAny(weeks, range(9, 14)))
    ] AS again,
    -- Of the configured time zone, which only stored days know: the newest day of buying, or the date that every zone has reached.
    greatest(max(max(newest)) OVER (), toDate(now() - INTERVAL 12 HOUR)) AS is_today
  FROM (
    -- No FINAL: a day that is there twice is the same day.
    SELECT toString(toMonday(min(day))) AS cohort, max(day) AS newest, arrayMap(d -> intDiv(d - min(day), 7), groupArray(day)) AS weeks
    FROM buyer_day_counters
    WHERE room_id IN (${room:sqlstring})
    GROUP BY user_id
  )
  GROUP BY cohort
)
ORDER BY cohort DESC
LIMIT 26
