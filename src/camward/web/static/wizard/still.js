// One key picture, decoded and drawn: the proof that a camera's stream can be watched.

import { bytesOf } from "./proof.js";

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{codec: string, description: string, width: number, height: number, data: string}} picture base64 avcC or hvcC, and base64 of the sample
 * @returns {Promise<void>}
 * @throws {Error} this browser can't decode it
 */
export async function drawStill(canvas, picture) {
  if (typeof VideoDecoder === "undefined") throw new Error("This browser has no decoder to show it; the recorder has received it.");
  const config = { codec: picture.codec, description: bytesOf(picture.description), codedWidth: picture.width, codedHeight: picture.height };
  const { supported } = await VideoDecoder.isConfigSupported(config);
  if (!supported) throw new Error(`This browser can’t decode ${picture.codec}; the recorder has received it.`);
  await new Promise((resolve, reject) => {
    const decoder = new VideoDecoder({
      output: (frame) => {
        canvas.width = frame.displayWidth;
        canvas.height = frame.displayHeight;
        canvas.getContext("2d", { alpha: false })?.drawImage(frame, 0, 0);
        frame.close();
        resolve(undefined);
      },
      error: reject,
    });
    decoder.configure(config);
    decoder.decode(new EncodedVideoChunk({ type: "key", timestamp: 0, data: bytesOf(picture.data) }));
    decoder.flush().then(() => decoder.close(), reject);
  });
}
