-- How long a county lets incidents of a category take. And check sums for what had none: kept answers, sessions, edits by other programs,
-- the register's version. Rows that are there are given theirs by the program, edits by other programs whenever the store is opened.
ALTER TABLE dictionaries ADD COLUMN due_hours TEXT;
ALTER TABLE idempotency ADD COLUMN row_sum INTEGER;
ALTER TABLE sessions ADD COLUMN row_sum INTEGER;
ALTER TABLE register_state ADD COLUMN row_sum INTEGER;
ALTER TABLE foreign_edits ADD COLUMN row_sum INTEGER;
