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

-- Tables that get a few rows with each block, into one partition: while it has a few megabytes, nearly every new part was merged with
-- all there is. With ten parts instead of five before one is worth while, new ones are merged with each other first.
ALTER TABLE buyer_day_counters MODIFY SETTING merge_selector_base = 10;

ALTER TABLE freshness_histogram MODIFY SETTING merge_selector_base = 10;
