-- viewer_session: each visit of a viewer to a room, of all days: what `viewer_session_between` says. However few days are asked for, it
-- reads all that is stored of the rooms that are.
CREATE OR REPLACE VIEW viewer_session AS
SELECT * FROM viewer_session_between(first_day = '1970-01-03', last_day = '2099-12-31')
