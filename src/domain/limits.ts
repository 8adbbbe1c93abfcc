/** Bounds of what a store takes. Each can be set with `limits` at `open`. Bytes are of UTF-8. */
export interface Limits {
  /** A memory's text: 1 MB. */
  textBytes: number;
  /** A memory's metadata as JSON: 64 kB. */
  metadataBytes: number;
  /** An id, a label, a tag, a key, a reference: 512. */
  nameBytes: number;
  /** Labels of a namespace: 16. */
  namespaceDepth: number;
  /** Tags of one memory, and access tags: 64. */
  tags: number;
  /** Hits of one recall: 1,000. */
  topK: number;
  /** Memories of one atomic batch: 10,000. */
  atomicBatch: number;
  /** Conditions of one filter, nested ones included: 100. */
  conditions: number;
  /** Writes that wait for their commit before OVERLOADED: 65,536. */
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
  pendingWrites: 65_536,
};
