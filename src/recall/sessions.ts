import type { StateView } from './state-view';
import type { VisibleSet } from './visible-set';

/** The memories of one session that a call may return, in their order. There are at least two. */
export interface Session {
  readonly rows: Uint32Array;
}

/** The sessions with one `sessionId`: the only one, or that of each row. Neither if each memory is alone. */
interface FoundSessions {
  readonly only?: Session;
  readonly ofRow?: Map<number, Session>;
}

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
    return found.only ?? found.ofRow?.get(row);
  }

  #find(number: number): FoundSessions {
    const all = this.#state.columns.inSession(number);
    let count = 0;
    for (let i = 0; i < all.length; i++) if (this.#visible.has(all[i] as number)) all[count++] = all[i] as number;
    if (count < 2) return {};
    const rows = all.subarray(0, count);
    return this.#isOneSession(rows) ? { only: { rows: this.#ordered(rows) } } : { ofRow: this.#grouped(rows) };
  }

  #isOneSession(rows: Uint32Array): boolean {
    const { columns } = this.#state;
    const { labelSet } = columns;
    const first = rows[0] as number;
    const [ofFirst, user] = [labelSet[first], columns.userOf(first)];
    for (let i = 1; i < rows.length; i++) {
      const row = rows[i] as number;
      if (labelSet[row] !== ofFirst || columns.userOf(row) !== user) return false;
    }
    return true;
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
    for (let i = 1; i < rows.length; i++) {
      const [a, b] = [rows[i - 1] as number, rows[i] as number];
      const isInOrder = (validFrom[a] as number) < (validFrom[b] as number) || (validFrom[a] === validFrom[b] && a < b);
      // Rows are numbered in the order in which they were written.
      if (!isInOrder) return rows.sort((a, b) => (validFrom[a] as number) - (validFrom[b] as number) || a - b);
    }
    return rows;
  }
}
