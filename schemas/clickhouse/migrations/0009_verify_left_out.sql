ALTER TABLE verify_result COMMENT COLUMN left_out 'Rows that were still filling, and rows or records older than what is kept whole.';
