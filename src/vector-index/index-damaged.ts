/**
 * The approximate index is not what it should be: it failed, or its answer contradicts the truth. Internal: whoever searches
 * turns to the exact index, and the approximate one is built again.
 */
export class IndexDamaged extends Error {
  override readonly name = 'IndexDamaged';
}
