// Proof of the claim code for pairing: made here in the browser, so that the recorder never sees the code.
//
// HMAC-SHA256, key: the code in its plain form, message: the camera's identity fingerprint | the owner's public key |
// the recorder's identity certificate. So the proof fits this camera, this owner and this recorder only.

/** Letters that people mistake, as Crockford's base 32 reads them. @type {Readonly<Record<string, string>>} */
const MISREAD = Object.freeze({ O: "0", I: "1", L: "1" });
const CODE = /^[0-9A-HJKMNP-TV-Z]{16}$/;
const BETWEEN = /[\s\-\u2010-\u2014]/;

/**
 * A code without dashes and spaces, mistaken letters mended; null when it can't be a code.
 * @param {string} text
 */
export function plainCode(text) {
  const code = [...text.toUpperCase()].filter((letter) => !BETWEEN.test(letter)).map((letter) => MISREAD[letter] ?? letter).join("");
  return CODE.test(code) ? code : null;
}

/** @param {string} text base64 */
export const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** @param {Uint8Array} bytes */
export const hexOf = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** @param {string} text */
export function fromHex(text) {
  const clean = text.replaceAll(":", "");
  return Uint8Array.from(clean.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/**
 * @param {string} code          plain, see `plainCode`
 * @param {object} parts
 * @param {Uint8Array} parts.fingerprint          of the camera's identity certificate, 32 bytes
 * @param {Uint8Array} parts.ownerKey             SubjectPublicKeyInfo, DER
 * @param {Uint8Array} parts.recorderCertificate  DER
 * @returns {Promise<string>} hex
 */
export async function pairingProof(code, { fingerprint, ownerKey, recorderCertificate }) {
  if (fingerprint.length !== 32) throw new Error("The camera’s fingerprint has the wrong length.");
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(code), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const message = new Uint8Array(fingerprint.length + ownerKey.length + recorderCertificate.length);
  message.set(fingerprint);
  message.set(ownerKey, fingerprint.length);
  message.set(recorderCertificate, fingerprint.length + ownerKey.length);
  return hexOf(new Uint8Array(await crypto.subtle.sign("HMAC", key, message)));
}
