ALTER TABLE freshness_histogram COMMENT COLUMN output 'The job\'s output: a metric topic\'s name without `metric_`.';
