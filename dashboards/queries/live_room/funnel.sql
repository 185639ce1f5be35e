-- Distinct users by how far they came in the broadcasts that are on.
WITH {{current}}
SELECT step.1 AS funnel_step, step.2 AS users
FROM (
  SELECT arrayJoin([
    ('1 watch', sum(audience)), ('2 see a product', sum(exposed_users)), ('3 click', sum(click_users)),
    ('4 cart', sum(cart_users)), ('5 pay', sum(paying_users))
  ]) AS step
  FROM current
)
ORDER BY funnel_step
