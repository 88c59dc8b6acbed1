// Days and sizes of storage in words.

/** @param {number} n */
export function days(n) {
  if (n < 1) return "less than a day";
  if (n < 10) return `about ${n.toFixed(1)} days`;
  return `about ${Math.round(n)} days`;
}
