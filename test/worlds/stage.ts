import {
  type MemoryHandle,
  type MemoryStore,
  type NewMemory,
  type OpenOptions,
  retain,
  type Scope,
} from 'multi-agent-memory';
import { type Cast, distrust, distrusted, hiders, type Place, writer } from './cast';
import type { HiddenDeed } from './deeds';
import { hiddenId, oldId, seenId } from './ids';
import type { Library } from './library';

const start = Date.UTC(2026, 0, 1);
const secondsPerDay = 24 * 60 * 60;

/** Options that must not change what a reader sees: the memory, the limit of exact search, and the audit. */
export type Sizes = Pick<OpenOptions, 'memoryBytes' | 'exactUpTo' | 'audit'>;

/** Whom the host distrusts, and what the reader asks for. Both are the same in both worlds. */
export interface Caution {
  /** True if memories are kept for 90 days only. The second world then has older ones where the reader may read. */
  readonly retention: boolean;
  /** True if the ceilings in `distrust` are declared. */
  readonly ceilings: boolean;
  readonly minTrust?: 'reported' | 'standard' | undefined;
}

/**
 * A store in which a script of deeds (calls) runs. The time and the ids of a deed depend only on its position in the script. Therefore they
 * are the same in both worlds, although only one world runs the hidden deeds.
 */
export class Stage {
  readonly store: MemoryStore;
  readonly reader: MemoryHandle;
  readonly writer: MemoryHandle;
  /** The ids of memories that the reader may see, in the order in which they were made. */
  readonly seen: string[] = [];
  readonly keyless = new Set<string>();
  readonly hidden: string[] = [];
  /** The ids of the hidden memories that the reader does not see only because it does not trust them. */
  readonly low: string[] = [];
  readonly caution: Caution;
  readonly distrusted: MemoryHandle;
  /** The scope of the reader: its least trust. */
  readonly scope: Pick<Scope, 'minTrust'>;
  readonly rules: string[] = [];
  /** See `Library.turns`. */
  readonly turns: number;
  readonly #time: { step: number; ids: number; hidden: boolean };
  readonly #hiders: readonly MemoryHandle[];
  #hiddenIds = 0;

  private constructor(
    store: MemoryStore,
    cast: Cast,
    time: { step: number; ids: number; hidden: boolean },
    turns: number,
    caution: Caution,
  ) {
    this.store = store;
    this.turns = turns;
    this.caution = caution;
    const { minTrust } = caution;
    this.scope = minTrust === undefined ? {} : { minTrust };
    this.reader = store.as(cast.reader, this.scope);
    // The writer may endorse everywhere. Only its least trust keeps it from changing what the reader must not notice.
    this.writer = store.as(writer, { minTrust: minTrust ?? 'reported' });
    this.distrusted = store.as(distrusted);
    this.#hiders = hiders.map((each) => store.as(each));
    this.#time = time;
  }

  static async open({ inMemory, turns = 1 }: Library, cast: Cast, sizes: Sizes, caution: Caution): Promise<Stage> {
    const time = { step: 0, ids: 0, hidden: false };
    let stage: Stage | undefined;
    const store = await inMemory({
      access: [
        ...cast.access,
        ...(caution.ceilings ? distrust : []),
        ...(caution.retention ? [retain({ at: [], maxAgeDays: 90, then: 'forget' })] : []),
      ],
      clock: { now: () => start + time.step * 1_000 },
      newId: () => {
        if (time.step < 0) return oldId(time.ids++);
        return time.hidden ? hiddenId((stage as Stage).#hiddenIds++) : seenId(time.step, time.ids++);
      },
      ...sizes,
    });
    stage = new Stage(store, cast, time, turns, caution);
    return stage;
  }

  /** Stores, where the reader may read, memories that are so old on the first day of the script that nobody finds them any more. */
  async rememberOld({ open }: Cast): Promise<void> {
    this.begin(-100 * secondsPerDay, true);
    for (const [i, place] of open.entries()) {
      // No key: a deed with the same key forgets them, and watchers are told of that.
      const source = await this.writer.remember(`apple banana ${i}`, { ...place, userId: 'u1', tags: ['x'] });
      await this.writer.remember('cherry', { ...place, derivedFrom: [source.id], priority: 1 });
    }
    this.begin(0, false);
  }

  /** Sets the time and the ids for the next deed. Must be called before each deed. */
  begin(step: number, hidden: boolean): void {
    Object.assign(this.#time, { step, ids: 0, hidden });
  }

  /** Records the ids of memories that a deed has made. */
  made(ids: readonly string[], key: string | undefined): void {
    const list = this.#time.hidden ? this.hidden : this.seen;
    for (const id of ids) {
      if (!list.includes(id)) list.push(id);
      if (key === undefined) this.keyless.add(id);
    }
  }

  /** Records the ids of memories that the reader does not trust. */
  madeLow(ids: readonly string[]): void {
    this.made(ids, undefined);
    this.low.push(...ids);
  }

  doerOf({ by }: HiddenDeed): MemoryHandle {
    return by === 'root' ? this.store.admin : (this.#hiders[by] as MemoryHandle);
  }
}

/** Makes the options of `remember` for a deed. */
export function memoryFor({ fields, place }: { fields: Partial<NewMemory>; place: Place }): Omit<NewMemory, 'text'> {
  return { ...fields, ...place };
}

export function pick(list: readonly string[], n: number): string {
  return list[n % Math.max(1, list.length)] ?? 'none';
}
