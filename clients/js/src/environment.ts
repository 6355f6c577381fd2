/** Return a nonce that nobody else has. */
export function newNonce(): string {
  // `randomUUID` is there in secure contexts only, and a page on http:// is none.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
