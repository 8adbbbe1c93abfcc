const namespaces = 'memory://namespaces';
const memories = 'memory://memories/';

/** RFC 6570. */
export const namespaceTemplate = `${namespaces}/{+path}`;
export const memoryTemplate = `${memories}{id}`;

/** The address of a namespace: its labels one by one, so that none passes for two. */
export function uriOf(namespace: readonly string[]): string {
  return [namespaces, ...namespace.map(encodeURIComponent)].join('/');
}

/** The labels that an address names; undefined where it names no namespace. */
export function labelsOf(uri: string): readonly string[] | undefined {
  if (uri === namespaces) return [];
  return uri.startsWith(`${namespaces}/`) ? decoded(uri.slice(namespaces.length + 1).split('/')) : undefined;
}

/** The id that an address names; undefined where it names no memory. */
export function memoryIdOf(uri: string): string | undefined {
  return uri.startsWith(memories) ? decoded([uri.slice(memories.length)])?.[0] : undefined;
}

function decoded(parts: readonly string[]): readonly string[] | undefined {
  try {
    const labels = parts.map(decodeURIComponent);
    return labels.includes('') ? undefined : labels;
  } catch {
    return undefined;
  }
}
