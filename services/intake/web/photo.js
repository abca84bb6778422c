// Photos made small before they are sent: 1600 px at most, JPEG. What the camera wrote into them goes with that.
// A phone's HEIC that this browser cannot draw goes as it is; intake takes out what the camera wrote.

const LONGEST = 1600;
const QUALITY = 0.8;

const MOST_BYTES = 10 * 1024 * 1024;
const BRANDS = ["heic", "heix", "heim", "heis", "mif1"];

export const MOST = 3;

// Throws when the file is no picture that this browser or intake can read.
export async function smaller(file) {
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch (unreadable) {
    if (file.size <= MOST_BYTES && (await isHeic(file))) return file.slice(0, file.size, "image/heic");
    throw unreadable;
  }
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

async function isHeic(file) {
  const head = new TextDecoder("latin1").decode(await file.slice(0, 12).arrayBuffer());
  return head.slice(4, 8) === "ftyp" && BRANDS.includes(head.slice(8, 12));
}
