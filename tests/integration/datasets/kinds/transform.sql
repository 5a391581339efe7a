-- Both parameters are read; the label `nothing` leaves no row, which breaks a rule of the output.
CREATE TEMPORARY VIEW kinds AS
SELECT kinds_in.*
FROM kinds_in CROSS JOIN parameters
WHERE parameters.copies > 0 AND parameters.label <> 'nothing';
