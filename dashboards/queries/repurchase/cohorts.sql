-- Buyers by the week of their first order in the chosen rooms, and the share of them who bought again so many weeks later.
WITH
  -- Today in the configured time zone, which only stored days know: the newest day of buying, or the date that every zone has reached.
  greatest((SELECT max(day) FROM buyer_day_counters WHERE room_id IN (${room:sqlstring})), toDate(now() - INTERVAL 12 HOUR)) AS is_today
-- A week is over when it is so for who came last, on the cohort's Sunday: week n ends 6 + 7 n + 6 days after its Monday.
SELECT
  cohort,
  count() AS buyers,
  if(is_today <= toDate(cohort) + 19, NULL, countIf(has(weeks, 1)) / buyers) AS week_1,
  if(is_today <= toDate(cohort) + 26, NULL, countIf(has(weeks, 2)) / buyers) AS week_2,
  if(is_today <= toDate(cohort) + 33, NULL, countIf(has(weeks, 3)) / buyers) AS week_3,
  if(is_today <= toDate(cohort) + 40, NULL, countIf(has(weeks, 4)) / buyers) AS week_4,
  if(is_today <= toDate(cohort) + 68, NULL, countIf(hasAny(weeks, range(5, 9))) / buyers) AS weeks_5_to_8,
  if(is_today <= toDate(cohort) + 103, NULL, countIf(hasAny(weeks, range(9, 14))) / buyers) AS weeks_9_to_13
FROM (
  -- No FINAL: a day that is there twice is the same day.
  SELECT toString(toMonday(min(day))) AS cohort, arrayMap(d -> intDiv(d - min(day), 7), groupArray(day)) AS weeks
  FROM buyer_day_counters
  WHERE room_id IN (${room:sqlstring})
  GROUP BY user_id
)
GROUP BY cohort
ORDER BY cohort DESC
LIMIT 26
