import type { StateView } from './state-view';
import type { VisibleSet } from './visible-set';

/** The memories of one session that a call may return, in their order. There are at least two. */
export interface Session {
  readonly rows: Uint32Array;
}

/** The sessions with one `sessionId`: the only one, or that of each row that is in one. */
type FoundSessions = Session | ReadonlyMap<number, Session>;

const alone: ReadonlyMap<number, Session> = new Map();

/**
 * Finds the sessions among the rows that a call may return. Memories are in the same session if their `sessionId`, namespace and `userId` are
 * equal. They are ordered by `validFrom`, and then in the order in which they were written.
 */
export class SessionFinder {
  readonly #state: StateView;
  readonly #visible: VisibleSet;
  /** By the number of the `sessionId`. */
  readonly #found = new Map<number, FoundSessions>();

  constructor(state: StateView, visible: VisibleSet) {
    this.#state = state;
    this.#visible = visible;
  }

  /** The session of a visible row. Undefined if it has none, or if no other visible memory is in it. */
  of(row: number): Session | undefined {
    const number = this.#state.columns.sessionOf(row);
    if (number === 0) return undefined;
    let found = this.#found.get(number);
    if (found === undefined) {
      found = this.#find(number);
      this.#found.set(number, found);
    }
    return 'rows' in found ? found : found.get(row);
  }

  // One pass, because a search looks at about a hundred sessions, whose rows are far apart in memory.
  #find(number: number): FoundSessions {
    const { columns } = this.#state;
    const { labelSet, validFrom } = columns;
    const all = columns.inSession(number);
    let [count, isOneSession, isInOrder] = [0, true, true];
    let [first, before] = [0, 0];
    for (let i = 0; i < all.length; i++) {
      const row = all[i] as number;
      if (!this.#visible.has(row)) continue;
      all[count++] = row;
      if (count === 1) first = row;
      else {
        isOneSession &&= labelSet[row] === labelSet[first] && columns.userOf(row) === columns.userOf(first);
        isInOrder &&= isBefore(before, row, validFrom);
      }
      before = row;
    }
    if (count < 2) return alone;
    const rows = count === all.length ? all : all.subarray(0, count);
    if (!isOneSession) return this.#grouped(rows);
    return { rows: isInOrder ? rows : this.#ordered(rows) };
  }

  /** Divides the memories with one `sessionId` by namespace and user. */
  #grouped(rows: Uint32Array): Map<number, Session> {
    const { columns, interning } = this.#state;
    const groups = new Map<string, number[]>();
    for (const row of rows) {
      const key = `${interning.namespaceIdOf(columns.labelSet[row] as number)} ${columns.userOf(row)}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [row]);
      else group.push(row);
    }
    const found = new Map<number, Session>();
    for (const group of groups.values()) {
      if (group.length === 1) continue;
      const session = { rows: this.#ordered(Uint32Array.from(group)) };
      for (const row of group) found.set(row, session);
    }
    return found;
  }

  #ordered(rows: Uint32Array): Uint32Array {
    const { validFrom } = this.#state.columns;
    return rows.sort((a, b) => (isBefore(a, b, validFrom) ? -1 : 1));
  }
}

/** Rows are numbered in the order in which they were written. */
function isBefore(a: number, b: number, validFrom: Float64Array): boolean {
  const [ofA, ofB] = [validFrom[a] as number, validFrom[b] as number];
  return ofA < ofB || (ofA === ofB && a < b);
}
