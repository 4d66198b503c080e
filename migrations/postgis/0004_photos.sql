-- 事件照片：一件事件一张，不含任何拍摄信息
CREATE TABLE incident_photos (
  incident text COLLATE "C" PRIMARY KEY NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('image/jpeg', 'image/png', 'image/webp')),
  width bigint NOT NULL,
  height bigint NOT NULL,
  sha256 text COLLATE "C" NOT NULL,
  at text COLLATE "C" NOT NULL,
  image bytea NOT NULL,
  row_sum bigint
);
CREATE INDEX incident_photos_at ON incident_photos (at);

-- Row security without a policy: pictures are shown by the program to those who handle the incident, not by a GIS.
ALTER TABLE incident_photos ENABLE ROW LEVEL SECURITY;
