// Just enough DER (X.690) to write a private key's envelope.

/** @param {...Uint8Array} parts */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {number} n big-endian, without leading zero bytes @returns {number[]} */
const digits = (n) => (n < 256 ? [n] : [...digits(Math.floor(n / 256)), n % 256]);

/** @param {number} tag @param {Uint8Array} content */
function tlv(tag, content) {
  const length = content.length < 128 ? [content.length] : [0x80 | digits(content.length).length, ...digits(content.length)];
  return concat(Uint8Array.of(tag, ...length), content);
}

/** @param {...Uint8Array} parts */
export const sequence = (...parts) => tlv(0x30, concat(...parts));

/** @param {Uint8Array} content */
export const octets = (content) => tlv(0x04, content);

export const nothing = () => tlv(0x05, new Uint8Array());

/** A number that is not negative. @param {number} n */
export function integer(n) {
  const bytes = digits(n);
  return tlv(0x02, Uint8Array.from(bytes[0] & 0x80 ? [0, ...bytes] : bytes));
}

/** @param {string} dotted */
export function oid(dotted) {
  const [first, second, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const seven = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) seven.unshift((left & 0x7f) | 0x80);
    bytes.push(...seven);
  }
  return tlv(0x06, Uint8Array.from(bytes));
}
