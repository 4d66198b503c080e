-- 事件照片：一件事件一张，不含任何拍摄信息
CREATE TABLE incident_photos (
  incident TEXT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('image/jpeg', 'image/png', 'image/webp')),
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  at TEXT NOT NULL,
  image BLOB NOT NULL,
  row_sum INTEGER
);
CREATE INDEX incident_photos_at ON incident_photos (at);
