-- The queues' own histograms: `livepulse migrate` makes views in their place that only hand over what the histogram is made of.
DROP VIEW IF EXISTS conversion_room_to_freshness_histogram;
DROP VIEW IF EXISTS conversion_broadcast_to_freshness_histogram;
DROP VIEW IF EXISTS conversion_product_to_freshness_histogram;
DROP VIEW IF EXISTS conversion_room_sales_to_freshness_histogram;
DROP VIEW IF EXISTS conversion_product_sales_to_freshness_histogram;
DROP VIEW IF EXISTS dwell_room_to_freshness_histogram;
DROP VIEW IF EXISTS dwell_broadcast_slots_to_freshness_histogram;
DROP VIEW IF EXISTS dwell_broadcast_to_freshness_histogram;
DROP VIEW IF EXISTS interaction_room_to_freshness_histogram;
DROP VIEW IF EXISTS interaction_broadcast_to_freshness_histogram;
DROP VIEW IF EXISTS interaction_broadcast_minutes_to_freshness_histogram;
DROP VIEW IF EXISTS interaction_group_to_freshness_histogram;
DROP VIEW IF EXISTS repurchase_room_to_freshness_histogram;
DROP VIEW IF EXISTS repurchase_broadcast_to_freshness_histogram;
DROP VIEW IF EXISTS repurchase_buyer_day_to_freshness_histogram;

DROP TABLE IF EXISTS freshness_histogram_buffer;
