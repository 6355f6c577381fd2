/** What browsers and Node have, and React Native and pages on http:// may lack. */

/** Return a nonce that nobody else has. */
export function newNonce(): string {
  const bytes = new Uint8Array(16);
  // `randomUUID` is there in secure contexts only. A nonce has to be unique, not secret.
  const source: Partial<Crypto> | undefined = globalThis.crypto;
  if (source?.getRandomValues) source.getRandomValues(bytes);
  else bytes.forEach((_zero, index) => (bytes[index] = Math.floor(Math.random() * 256)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** How many bytes a text has as UTF-8; one without lone surrogates, as JSON is. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // Each half of a surrogate pair has two of the four bytes.
    if (unit >= 0x80) bytes += unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The Latin-1 text that base64url stands for. */
export function fromBase64Url(encoded: string): string {
  let [bits, value, text] = [0, 0, ""];
  for (const digit of encoded) {
    const index = BASE64.indexOf(digit);
    if (index < 0) continue;
    value = ((value << 6) | index) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    text += String.fromCharCode((value >> bits) & 0xff);
  }
  return text;
}
