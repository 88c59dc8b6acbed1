// The owner's key: made in the browser, kept there so that no script can read it, saved as a PEM file under a passphrase.
import { concat, integer, nothing, octets, oid, sequence } from "./der.js";

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
/** OWASP's advice of 2023 for PBKDF2-HMAC-SHA256. */
const ROUNDS = 600_000;
const STORE = "keys";

/** @returns {Promise<{pair: CryptoKeyPair, spki: Uint8Array}>} */
export async function makeKey() {
  const pair = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey(CURVE, true, ["sign", "verify"]));
  return { pair, spki: new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey)) };
}

/**
 * PKCS #8 under PBES2: PBKDF2-HMAC-SHA256, AES-256-CBC (RFC 8018). `openssl pkey -in FILE` opens it.
 * @param {CryptoKey} privateKey @param {string} passphrase
 */
export async function protectedPem(privateKey, passphrase) {
  const plain = await crypto.subtle.exportKey("pkcs8", privateKey);
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(16));
  const secret = await crypto.subtle.importKey("raw", new TextEncoder().encode(passphrase.normalize("NFKC")), "PBKDF2", false, ["deriveKey"]);
  const cipher = await crypto.subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS }, secret, { name: "AES-CBC", length: 256 }, false, ["encrypt"]);
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CBC", iv }, cipher, plain));
  const prf = sequence(oid("1.2.840.113549.2.9"), nothing());
  const derivation = sequence(oid("1.2.840.113549.1.5.12"), sequence(octets(salt), integer(ROUNDS), prf));
  const encryption = sequence(oid("2.16.840.1.101.3.4.1.42"), octets(iv));
  const algorithm = sequence(oid("1.2.840.113549.1.5.13"), sequence(derivation, encryption));
  return pem("ENCRYPTED PRIVATE KEY", sequence(algorithm, octets(sealed)));
}

/** @param {string} label @param {Uint8Array} der */
function pem(label, der) {
  const text = btoa(String.fromCharCode(...concat(der)));
  return `-----BEGIN ${label}-----\n${text.match(/.{1,64}/g)?.join("\n")}\n-----END ${label}-----\n`;
}

/** @returns {Promise<IDBDatabase>} */
function database() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("camward", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * Keep it in this browser: usable, but not to be read out.
 * @param {CryptoKeyPair} pair @param {Uint8Array} spki
 */
export async function keepKey(pair, spki) {
  const plain = await crypto.subtle.exportKey("pkcs8", pair.privateKey);
  const privateKey = await crypto.subtle.importKey("pkcs8", plain, CURVE, false, ["sign"]);
  new Uint8Array(plain).fill(0);
  const open = await database();
  await new Promise((resolve, reject) => {
    const change = open.transaction(STORE, "readwrite");
    change.objectStore(STORE).put({ privateKey, spki }, "owner");
    change.oncomplete = () => resolve(undefined);
    change.onerror = () => reject(change.error);
  });
  open.close();
}

/**
 * The owner's key of this browser, if there is one: its public half, and the private one to sign with.
 * @returns {Promise<{privateKey: CryptoKey, spki: Uint8Array}|null>}
 */
export async function keptKey() {
  const open = await database();
  const found = await new Promise((resolve, reject) => {
    const request = open.transaction(STORE).objectStore(STORE).get("owner");
    request.onsuccess = () => resolve(request.result ?? null);
    request.onerror = () => reject(request.error);
  });
  open.close();
  return found;
}
