/**
 * The limits of a store. To change them, pass `limits` to `open`. A call that exceeds a limit fails with INVALID_INPUT, unless noted
 * otherwise. The bytes of a text are counted in UTF-8.
 */
export interface Limits {
  /** The maximum number of bytes in the text of a memory or a query. Default: 1,000,000. */
  textBytes: number;
  /** The maximum number of bytes in the metadata of a memory, as JSON. Default: 65,536. */
  metadataBytes: number;
  /**
   * The maximum number of bytes in a name (an id, a label of a namespace, a tag or a key, in its normal form) or in the `ref` of a source.
   * Default: 512.
   */
  nameBytes: number;
  /** The maximum number of labels in a namespace. Default: 16. */
  namespaceDepth: number;
  /** The maximum number of tags on a memory. The same limit applies to its access tags separately. Default: 64. */
  tags: number;
  /** The maximum number of hits from one `recall`. Default: 1,000. */
  topK: number;
  /**
   * The approximate maximum number of bytes in one answer: its texts, metadata and ids. A page ends early with a cursor if it reaches the
   * limit, but has at least one item. A `recall`, `history`, `namespaces` or `access.list` with a larger answer fails, unless
   * options of the call bound it. Default: 16,777,216, so that 10
   * memories of the maximum size fit.
   */
  answerBytes: number;
  /** The maximum number of memories in one `rememberMany` with `atomic: true`. Default: 10,000. */
  atomicBatch: number;
  /** The maximum number of conditions in one filter, including nested ones. An empty nested filter counts as one. Default: 100. */
  conditions: number;
  /** The maximum number of bytes in the metadata keys and values of one filter. Default: 262,144. */
  filterBytes: number;
  /** The maximum number of writes that wait for their commit. Further writes fail with OVERLOADED. Default: 65,536. */
  pendingWrites: number;
}

export const defaultLimits: Limits = {
  textBytes: 1_000_000,
  metadataBytes: 65_536,
  nameBytes: 512,
  namespaceDepth: 16,
  tags: 64,
  topK: 1_000,
  answerBytes: 16 * 2 ** 20,
  atomicBatch: 10_000,
  conditions: 100,
  filterBytes: 262_144,
  pendingWrites: 65_536,
};
