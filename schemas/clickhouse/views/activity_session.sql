-- activity_session: inferred visits, for rooms without view events, of all days: what `activity_session_between` says. However few days
-- are asked for, it reads all that is stored of the rooms that are.
CREATE OR REPLACE VIEW activity_session AS
SELECT * FROM activity_session_between(first_day = '1970-01-03', last_day = '2099-12-31')
