-- Orders refunded for each order paid, of broadcasts that counted something in the last day and have 20 paid orders or more.
SELECT concat(room_id, ' ', broadcast_id) AS subject, orders_refunded / orders_paid AS value
FROM broadcast_counters FINAL
WHERE last_record_at >= now64(3) - INTERVAL 1 DAY AND orders_paid >= 20
ORDER BY subject
