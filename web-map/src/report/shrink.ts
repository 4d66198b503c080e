// A photo as it is sent: no larger than a screen, and the picture alone. Drawing it anew leaves place, time and device behind.

/** Longest side, pixels. */
export const LONGEST_PX = 1_600;
/** The service takes no more, bytes. */
const MOST_BYTES = 2 << 20;
/** The best that fits is sent. */
const QUALITIES = [0.85, 0.7, 0.5] as const;

/** Throws where the browser cannot read the picture. */
export async function shrink(file: Blob): Promise<Blob> {
  // upright as the camera was held: the note that says so is not sent
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONGEST_PX / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  if (pen === null) throw new Error("canvas");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  for (const quality of QUALITIES) {
    const made = await new Promise<Blob | null>(done => canvas.toBlob(done, "image/jpeg", quality));
    if (made !== null && made.size <= MOST_BYTES) return made;
  }
  throw new Error("too large");
}
