import type { StateStore } from '../state/state-store';

/** What reads see of the state. They cannot change it. */
export type StateView = Pick<
  StateStore,
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
