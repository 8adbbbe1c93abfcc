import { LRUCache } from 'lru-cache';
import type { Readable } from '../access/compile';
import { isPlain } from '../state/selection-sql';
import type { Truth } from '../state/truth';
import { type Selecting, type Visible, visibleTo } from './visible';

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
  readonly #truth: Truth;
  readonly #kept = new LRUCache<Readable, Kept>({ max: readers });

  constructor(truth: Truth) {
    this.#truth = truth;
  }

  get(selecting: Selecting): Visible {
    const { readable, selected, now } = selecting;
    if (!isPlain(selected)) return visibleTo(this.#truth, selecting);
    const kept = this.#kept.get(readable);
    const { lastEntry: entry, interning } = this.#truth;
    const space = interning.currentSpace?.id;
    const isSame = kept?.entry === entry && kept.space === space;
    if (isSame && kept.at <= now && now < kept.visible.firstExpiry) return kept.visible;
    const visible = visibleTo(this.#truth, selecting);
    this.#kept.set(readable, { visible, entry, space, at: now });
    return visible;
  }
}
