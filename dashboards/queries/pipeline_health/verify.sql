-- What the last verify found, the worst first.
SELECT promise, subject, compared, left_out, lost, extra, wrong
FROM verify_result
WHERE checked_at = (SELECT max(checked_at) FROM verify_result)
ORDER BY lost + extra + wrong DESC, promise DESC, subject
