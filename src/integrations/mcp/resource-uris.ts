const namespaces = 'memory://namespaces';
const memories = 'memory://memories/';

/** The URI template (RFC 6570) of a namespace. */
export const namespaceTemplate = `${namespaces}/{+path}`;
/** The URI template (RFC 6570) of a memory. */
export const memoryTemplate = `${memories}{id}`;

/** The URI of a namespace. Each label is encoded by itself, so a label with a slash stays one label. */
export function namespaceUri(namespace: readonly string[]): string {
  return [namespaces, ...namespace.map(encodeURIComponent)].join('/');
}

/** The namespace of a URI; undefined if the URI is not that of a namespace. */
export function namespaceOf(uri: string): readonly string[] | undefined {
  if (uri === namespaces) return [];
  return uri.startsWith(`${namespaces}/`) ? decodeLabels(uri.slice(namespaces.length + 1).split('/')) : undefined;
}

/** The memory id of a URI; undefined if the URI is not that of a memory. */
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
