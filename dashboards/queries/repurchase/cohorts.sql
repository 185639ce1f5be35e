-- Buyers by the week of their first order in the chosen rooms, and the share of them who bought again so many weeks later.
SELECT
  cohort,
  uniqExact(user_id) AS buyers,
  if(toDate(cohort) + INTERVAL 7 DAY > today(), NULL, uniqExactIf(user_id, weeks = 1) / buyers) AS week_1,
  if(toDate(cohort) + INTERVAL 14 DAY > today(), NULL, uniqExactIf(user_id, weeks = 2) / buyers) AS week_2,
  if(toDate(cohort) + INTERVAL 21 DAY > today(), NULL, uniqExactIf(user_id, weeks = 3) / buyers) AS week_3,
  if(toDate(cohort) + INTERVAL 28 DAY > today(), NULL, uniqExactIf(user_id, weeks = 4) / buyers) AS week_4,
  if(toDate(cohort) + INTERVAL 35 DAY > today(), NULL, uniqExactIf(user_id, weeks BETWEEN 5 AND 8) / buyers) AS weeks_5_to_8,
  if(toDate(cohort) + INTERVAL 63 DAY > today(), NULL, uniqExactIf(user_id, weeks BETWEEN 9 AND 13) / buyers) AS weeks_9_to_13
FROM (
  SELECT
    user_id,
    toString(toMonday(min(day) OVER (PARTITION BY user_id))) AS cohort,
    intDiv(dateDiff('day', min(day) OVER (PARTITION BY user_id), day), 7) AS weeks
  FROM buyer_day_counters FINAL
  WHERE room_id IN (${room:sqlstring})
)
GROUP BY cohort
ORDER BY cohort DESC
LIMIT 26
