-- How long a county lets incidents of a category take. And check sums for what had none: kept answers, sessions, the register's version.
-- Rows that are there are given theirs by the program, in the same transaction.
ALTER TABLE dictionaries ADD COLUMN due_hours text COLLATE "C";
ALTER TABLE idempotency ADD COLUMN row_sum bigint;
ALTER TABLE sessions ADD COLUMN row_sum bigint;
ALTER TABLE register_state ADD COLUMN row_sum bigint;
