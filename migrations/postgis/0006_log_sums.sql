-- Logs with check sums, as the register has: a flipped bit in them is named too. Rows that are there are given theirs by the program,
-- in the same transaction. And why a cell was changed.
ALTER TABLE register_changes ADD COLUMN reason text COLLATE "C";
ALTER TABLE register_changes ADD COLUMN row_sum bigint;
ALTER TABLE membership_moves ADD COLUMN row_sum bigint;
ALTER TABLE grid_versions ADD COLUMN row_sum bigint;
