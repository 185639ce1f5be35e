-- The groups over the time range, and what the community brought to the chosen rooms' broadcasts of it.
SELECT
  (SELECT uniqExact(group_id) FROM group_1m_counters WHERE $__timeFilter(window_start)) AS active_groups,
  (SELECT sum(g.messages) FROM group_1m_counters AS g FINAL WHERE $__timeFilter(window_start)) AS messages,
  (
    SELECT if(sum(g.messages) = 0, NULL, sum(g.staff_messages) / sum(g.messages)) FROM group_1m_counters AS g FINAL
    WHERE $__timeFilter(window_start)
  ) AS staff_share,
  sum(b.viewers_community) AS viewers_community,
  if(sum(b.viewers) = 0, NULL, sum(b.viewers_community) / sum(b.viewers)) AS community_viewer_share
FROM broadcast_counters AS b FINAL
WHERE room_id IN (${room:sqlstring}) AND b.last_view_at >= $__fromTime_ms AND b.first_view_at <= $__toTime_ms
