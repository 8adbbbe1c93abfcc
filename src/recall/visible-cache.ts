import { LRUCache } from 'lru-cache';
import type { ReadableLabelSets } from '../access/compile';
import { isPlain } from '../state/queries/selection-sql';
import type { StateStore } from '../state/state-store';
import { type CompiledSelection, type Visible, visibleTo } from './visible';

// A byte and a bit for each memory of the store: a few readers who ask again and again, not everybody.
const readers = 8;

interface Kept {
  readonly visible: Visible;
  readonly entry: number;
  /** What has vectors is another question in another embedding space. */
  readonly space: number | undefined;
  readonly at: number;
}

/** Keeps what the latest readers could see, as long as nothing has changed and nothing expired. */
export class VisibleCache {
  readonly #state: StateStore;
  readonly #kept = new LRUCache<ReadableLabelSets, Kept>({ max: readers });

  constructor(state: StateStore) {
    this.#state = state;
  }

  get(selecting: CompiledSelection): Visible {
    const { readable, selected, now } = selecting;
    if (!isPlain(selected)) return visibleTo(this.#state, selecting);
    const kept = this.#kept.get(readable);
    const { lastChangeSeq: entry, interning } = this.#state;
    const space = interning.currentSpace?.id;
    const isSame = kept?.entry === entry && kept.space === space;
    if (isSame && kept.at <= now && now < kept.visible.firstExpiry) return kept.visible;
    const visible = visibleTo(this.#state, selecting);
    this.#kept.set(readable, { visible, entry, space, at: now });
    return visible;
  }
}
