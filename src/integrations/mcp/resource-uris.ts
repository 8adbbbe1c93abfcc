const namespaces = 'memory://namespaces';
const memories = 'memory://memories/';

/** The URI template (RFC 6570) for a namespace. */
export const namespaceTemplate = `${namespaces}/{+path}`;
/** The URI template (RFC 6570) for a memory. */
export const memoryTemplate = `${memories}{id}`;

/** Makes the URI for a namespace. Labels are encoded separately, so a label with a slash stays one label. */
export function namespaceUri(namespace: readonly string[]): string {
  return [namespaces, ...namespace.map(encodeURIComponent)].join('/');
}

/** Reads the namespace from a URI. Undefined if the URI is not for a namespace. */
export function namespaceOf(uri: string): readonly string[] | undefined {
  if (uri === namespaces) return [];
  return uri.startsWith(`${namespaces}/`) ? decodeLabels(uri.slice(namespaces.length + 1).split('/')) : undefined;
}

/** Reads the memory id from a URI. Undefined if the URI is not for a memory. */
export function memoryIdOf(uri: string): string | undefined {
  return uri.startsWith(memories) ? decodeLabels([uri.slice(memories.length)])?.[0] : undefined;
}

function decodeLabels(parts: readonly string[]): readonly string[] | undefined {
  try {
    const labels = parts.map(decodeURIComponent);
    return labels.includes('') ? undefined : labels;
  } catch {
    return undefined;
  }
}
