import type { ReadModel } from '../state/read-model';

/** The part of the store's state that reads can use. They cannot change it. */
export type StateView = Pick<
  ReadModel,
  | 'policy'
  | 'lastChangeSeq'
  | 'interning'
  | 'columns'
  | 'records'
  | 'selections'
  | 'changes'
  | 'derivations'
  | 'vectors'
  | 'rowChecksum'
  | 'trustOf'
>;
