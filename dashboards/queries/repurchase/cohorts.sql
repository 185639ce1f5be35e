-- Buyers by the week of their first order in the chosen rooms, and the share of them who bought again so many weeks later.
SELECT
  cohort,
  count() AS buyers,
  if(toDate(cohort) + INTERVAL 7 DAY > today(), NULL, countIf(has(weeks, 1)) / buyers) AS week_1,
  if(toDate(cohort) + INTERVAL 14 DAY > today(), NULL, countIf(has(weeks, 2)) / buyers) AS week_2,
  if(toDate(cohort) + INTERVAL 21 DAY > today(), NULL, countIf(has(weeks, 3)) / buyers) AS week_3,
  if(toDate(cohort) + INTERVAL 28 DAY > today(), NULL, countIf(has(weeks, 4)) / buyers) AS week_4,
  if(toDate(cohort) + INTERVAL 35 DAY > today(), NULL, countIf(hasAny(weeks, range(5, 9))) / buyers) AS weeks_5_to_8,
  if(toDate(cohort) + INTERVAL 63 DAY > today(), NULL, countIf(hasAny(weeks, range(9, 14))) / buyers) AS weeks_9_to_13
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
