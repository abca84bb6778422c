// Photos made small before they are sent: 1600 px at most, JPEG. What the camera wrote into them goes with that.

const LONGEST = 1600;
const QUALITY = 0.8;

export const MOST = 3;

// Throws when the file is no picture that this browser can read.
export async function smaller(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  try {
    const share = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * share));
    canvas.height = Math.max(1, Math.round(picture.height * share));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    if (!blob) throw new Error("no JPEG");
    return blob;
  } finally {
    picture.close();
  }
}
