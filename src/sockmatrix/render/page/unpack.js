// The data of the page: JSON, deflated, in base64, a script element of another type for each part.

const parts = new Map();

/** Return a promise of a part of the data; null if the page does not have it. */
export function unpack(name) {
  if (!parts.has(name)) parts.set(name, read(name));
  return parts.get(name);
}

async function read(name) {
  const element = document.getElementById(`data-${name}`);
  if (!element) return null;
  const bytes = Uint8Array.from(atob(element.textContent), (one) => one.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}
