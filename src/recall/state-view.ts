import type { ReadModel } from '../state/read-model';

/** What reads see of the state. They cannot change it. */
export type StateView = Pick<
  ReadModel,
  | 'policy'
  | 'lastChangeSeq'
  | 'interning'
  | 'columns'
  | 'records'
  | 'selections'
  | 'changes'
  | 'vectors'
  | 'rowChecksum'
>;
