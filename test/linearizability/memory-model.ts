import type { KeyedCall, Outcome, Version } from './history';
import type { SequentialModel } from './search';

/** The state of one key. */
export interface KeyState {
  /** Absent if no memory has the key. The id is absent if the call that stored the memory timed out and no response has shown it. */
  readonly held?: { readonly id?: string; readonly revision: number; readonly text: string };
  /** The ids, in order, of which a response has shown that no memory with this key can have them any more. */
  readonly retired: readonly string[];
}

type Held = NonNullable<KeyState['held']>;

/** A call with its outcome. */
export interface Step {
  readonly call: KeyedCall;
  readonly outcome: Outcome;
}

/**
 * What a store promises about one key, one call after another: `remember` with a free key stores a memory with a new id and revision
 * 1, with a taken key it makes the next revision; `update` makes the next revision of an id; `forget` frees the key for a new id;
 * `ifRevision` refuses another revision; an id that the key no longer has is NOT_FOUND, or `false` for `forget`.
 */
export const memoryModel: SequentialModel<KeyState, Step> = {
  initial: { retired: [] },
  next(state, { call, outcome }) {
    if (call.type === 'remember') return remember(state, call.text, outcome);
    if (call.type === 'get') return get(state, call.id, outcome);
    return change(state, call, outcome);
  },
  fingerprint: ({ held, retired }) =>
    JSON.stringify([held === undefined ? null : [held.id ?? null, held.revision, held.text], retired]),
};

function remember(state: KeyState, text: string, outcome: Outcome): KeyState | undefined {
  const revision = (state.held?.revision ?? 0) + 1;
  if (outcome.type === 'unknown') return { ...state, held: { ...state.held, revision, text } };
  if (outcome.type !== 'remembered' || outcome.revision !== revision) return undefined;
  if (outcome.isNew !== (state.held === undefined)) return undefined;
  const held = identified(state, state.held ?? { revision, text }, outcome.id);
  return held && { ...state, held: { ...held, revision, text } };
}

function get(state: KeyState, id: string | undefined, outcome: Outcome): KeyState | undefined {
  // A read whose answer was lost tells nothing and changes nothing.
  if (outcome.type === 'unknown') return state;
  if (outcome.type !== 'got') return undefined;
  const { version } = outcome;
  if (version === undefined) return id === undefined ? withoutMemory(state) : withoutId(state, id);
  if (id !== undefined && version.id !== id) return undefined;
  const held = state.held && identified(state, state.held, version.id);
  if (held === undefined || !isVersion(held, version)) return undefined;
  return held === state.held ? state : { ...state, held };
}

function change(
  state: KeyState,
  call: KeyedCall & { readonly type: 'update' | 'forget' },
  outcome: Outcome,
): KeyState | undefined {
  const isAbsent =
    call.type === 'update'
      ? outcome.type === 'refused' && outcome.code === 'NOT_FOUND'
      : outcome.type === 'forgotten' && !outcome.existed;
  if (isAbsent) return withoutId(state, call.id);
  const held = state.held && identified(state, state.held, call.id);
  // A call of an unknown outcome that changes nothing is the same as one that never takes effect.
  if (held === undefined) return undefined;
  if (call.ifRevision !== undefined && call.ifRevision !== held.revision) {
    const isConflict = outcome.type === 'refused' && outcome.code === 'REVISION_CONFLICT';
    return isConflict ? { ...state, held } : undefined;
  }
  if (call.type === 'forget') {
    const isForgotten = outcome.type === 'unknown' || (outcome.type === 'forgotten' && outcome.existed);
    return isForgotten ? { retired: retire(state.retired, call.id) } : undefined;
  }
  const changed = { ...held, revision: held.revision + 1, text: call.text };
  const isUpdated = outcome.type === 'unknown' || (outcome.type === 'updated' && isVersion(changed, outcome.version));
  return isUpdated ? { ...state, held: changed } : undefined;
}

/** The memory, if it has this id or if its id is still unknown and can be this one. */
function identified(state: KeyState, held: Held, id: string): Held | undefined {
  if (held.id !== undefined) return held.id === id ? held : undefined;
  return state.retired.includes(id) ? undefined : { ...held, id };
}

function withoutMemory(state: KeyState): KeyState | undefined {
  return state.held === undefined ? state : undefined;
}

/** The state, if no memory with this id has the key. Ids never come back, so the id is retired. */
function withoutId(state: KeyState, id: string): KeyState | undefined {
  if (state.held?.id === id) return undefined;
  const retired = retire(state.retired, id);
  return retired === state.retired ? state : { ...state, retired };
}

function retire(retired: readonly string[], id: string): readonly string[] {
  return retired.includes(id) ? retired : [...retired, id].sort();
}

function isVersion(held: Held, { id, revision, text }: Version): boolean {
  return held.id === id && held.revision === revision && held.text === text;
}
