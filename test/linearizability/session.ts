/** Something that a client learnt about a key, in the order in which the clients learnt. */
export interface SessionEvent {
  /** One session: all callers of one start of a node. */
  readonly client: number;
  readonly key: number;
  readonly kind: 'write' | 'read';
  /** The version of the key that a write made or a read showed. 0 if nothing was ever there. */
  readonly revision: number;
  readonly value: number;
  /** Where a write stands in the order of all writes. Of a read, the position that it was to include; 0 if none. */
  readonly position: number;
}

/** Why a history breaks a promise, or undefined if it keeps them all. */
export type SessionVerdict = { readonly at: SessionEvent; readonly reason: string } | undefined;

/**
 * Checks what each client is promised on its own node: it sees its own writes, and what it sees never goes back. Clients may see different
 * states at a time. Each version of a key has one value, whoever sees it.
 */
export function checkSessions(events: readonly SessionEvent[]): SessionVerdict {
  const seen = new Map<string, number>();
  const values = new Map<string, number>();
  for (const at of events) {
    const { client, key, kind, revision, value } = at;
    const version = `${key}/${revision}`;
    const known = values.get(version) ?? value;
    if (known !== value) return { at, reason: `version ${version} had the value ${known}` };
    values.set(version, value);
    const place = `${client}/${key}`;
    const floor = seen.get(place) ?? 0;
    if (kind === 'read' && revision < floor) return { at, reason: `its client knew revision ${floor} of key ${key}` };
    seen.set(place, Math.max(floor, revision));
  }
  return undefined;
}

/** Checks that each read includes every write up to the position that it was given, whichever node made the write. */
export function checkPositions(events: readonly SessionEvent[]): SessionVerdict {
  const writes = events.filter(({ kind }) => kind === 'write');
  for (const at of events) {
    if (at.kind === 'write' || at.position === 0) continue;
    const missed = writes.find(
      ({ key, position, revision }) => key === at.key && position <= at.position && revision > at.revision,
    );
    if (missed !== undefined) return { at, reason: `the write at ${missed.position} made revision ${missed.revision}` };
  }
  return undefined;
}

/** The history with one read that shows an older version than it may. Undefined if it has no such read. */
export function withStaleSessionRead(events: readonly SessionEvent[]): readonly SessionEvent[] | undefined {
  return withOlderRead(events, (read, at) => {
    const before = events.slice(0, at).filter(({ client, key }) => client === read.client && key === read.key);
    return Math.max(0, ...before.map(({ revision }) => revision));
  });
}

/** The history with one read that misses a write before its position. Undefined if it has no such read. */
export function withReadBeforePosition(events: readonly SessionEvent[]): readonly SessionEvent[] | undefined {
  return withOlderRead(events, (read) => {
    const before = events.filter(
      ({ kind, key, position }) => kind === 'write' && key === read.key && position <= read.position,
    );
    return Math.max(0, ...before.map(({ revision }) => revision));
  });
}

// Replaces the first read that must show at least `floorOf` by the latest version before that of which the value is known.
function withOlderRead(
  events: readonly SessionEvent[],
  floorOf: (read: SessionEvent, at: number) => number,
): readonly SessionEvent[] | undefined {
  for (const [at, read] of events.entries()) {
    if (read.kind === 'write') continue;
    const floor = floorOf(read, at);
    const older = events.find(({ key, revision }) => key === read.key && revision === floor - 1);
    if (older === undefined) continue;
    const stale = { ...read, revision: older.revision, value: older.value };
    return events.map((event) => (event === read ? stale : event));
  }
  return undefined;
}

/** A few histories in place of one: each from another moment on. */
export function partsOf(events: readonly SessionEvent[]): readonly (readonly SessionEvent[])[] {
  return [0, 0.2, 0.4, 0.6].map((share) => events.slice(Math.floor(events.length * share)));
}
