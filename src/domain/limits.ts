/**
 * The bounds of a store. Set them with `limits` at `open`; a call above one of them fails with INVALID_INPUT, unless noted. Bytes
 * count the UTF-8 form of a text.
 */
export interface Limits {
  /** Bytes of the text of a memory, and of a query. Default: 1,000,000. */
  textBytes: number;
  /** Bytes of the metadata of a memory, as JSON. Default: 65,536. */
  metadataBytes: number;
  /** Bytes of a name: an id, a label of a namespace, a tag, a key, the `ref` of a source. Default: 512. */
  nameBytes: number;
  /** Labels of a namespace. Default: 16. */
  namespaceDepth: number;
  /** Tags of a memory, and, counted apart, its access tags. Default: 64. */
  tags: number;
  /** Hits of one `recall`. Default: 1,000. */
  topK: number;
  /** Memories of one `rememberMany` with `atomic: true`. Default: 10,000. */
  atomicBatch: number;
  /** Conditions of one filter, nested ones included; an empty filter inside another one counts as one. Default: 100. */
  conditions: number;
  /** Bytes of the metadata keys and of the values in one filter. Default: 262,144. */
  filterBytes: number;
  /** Writes that wait for their commit. A write above it fails with OVERLOADED. Default: 65,536. */
  pendingWrites: number;
}

export const defaultLimits: Limits = {
  textBytes: 1_000_000,
  metadataBytes: 65_536,
  nameBytes: 512,
  namespaceDepth: 16,
  tags: 64,
  topK: 1_000,
  atomicBatch: 10_000,
  conditions: 100,
  filterBytes: 262_144,
  pendingWrites: 65_536,
};
