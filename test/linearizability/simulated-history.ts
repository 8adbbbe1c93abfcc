import type { Random } from '../faults/random';
import { HistoryRecorder, type KeyedCall, type Operation, type Outcome, type Version } from './history';

/** The size and the faults of a simulated history. */
export interface SimulationOptions {
  readonly clients: number;
  readonly keys: number;
  readonly operations: number;
  /** The share of calls whose client gives up before it gets the answer. */
  readonly unknownShare: number;
}

interface RunningCall {
  readonly key: string;
  readonly call: KeyedCall;
  readonly respond: (outcome: Outcome) => void;
  readonly givesUp: boolean;
  outcome?: Outcome;
}

/**
 * A history of a store that is correct: each call takes effect at a random moment of its interval. A call whose client gave up takes
 * effect at a random moment after its invocation, or never.
 */
export function simulatedHistory(random: Random, options: SimulationOptions): readonly Operation[] {
  const recorder = new HistoryRecorder();
  const store = new SimulatedStore();
  const seen = new SeenVersions();
  const running: (RunningCall | undefined)[] = Array.from({ length: options.clients }, () => undefined);
  const abandoned: RunningCall[] = [];
  let left = options.operations;
  while (left > 0 || running.some((call) => call !== undefined)) {
    if (abandoned.length > 0 && random.chance(0.1)) {
      const [late] = abandoned.splice(random.whole(0, abandoned.length - 1), 1);
      store.apply(late!.key, late!.call);
    }
    const client = random.whole(0, options.clients - 1);
    const call = running[client];
    if (call === undefined) {
      if (left === 0) continue;
      left -= 1;
      const key = `key-${random.whole(1, options.keys)}`;
      const next = randomCall(random, seen.of(key), `text-${left}`);
      const respond = recorder.invoke(`client-${client + 1}`, key, next);
      running[client] = { key, call: next, respond, givesUp: random.chance(options.unknownShare) };
    } else if (call.outcome === undefined && !(call.givesUp && random.chance(0.5))) {
      call.outcome = store.apply(call.key, call.call);
    } else {
      if (call.givesUp) call.respond({ type: 'unknown' });
      else call.respond(call.outcome!);
      if (call.outcome === undefined) abandoned.push(call);
      else if (!call.givesUp) seen.add(call.key, call.call, call.outcome);
      running[client] = undefined;
    }
  }
  return recorder.history;
}

/** A random call on a key of which some versions are known. Some texts repeat, so that they do not tell writes apart. */
export function randomCall(random: Random, known: readonly Version[], newText: string): KeyedCall {
  const text = random.chance(0.3) ? random.pick(['red', 'green']) : newText;
  const share = random.share();
  const version = known.length === 0 || random.chance(0.1) ? undefined : random.pick(known.slice(-3));
  if (version === undefined || share < 0.25) return share < 0.6 ? { type: 'remember', text } : { type: 'get' };
  const condition = random.chance(0.5) ? { ifRevision: version.revision } : {};
  if (share < 0.5) return { type: 'update', id: version.id, text, ...condition };
  if (share < 0.62) return { type: 'forget', id: version.id, ...condition };
  return random.chance(0.25) ? { type: 'get', id: version.id } : { type: 'get' };
}

/** The versions of each key that responses have shown. */
export class SeenVersions {
  readonly #versions = new Map<string, Version[]>();

  of(key: string): readonly Version[] {
    return this.#versions.get(key) ?? [];
  }

  add(key: string, call: KeyedCall, outcome: Outcome): void {
    const version = versionIn(call, outcome);
    if (version !== undefined) this.#versions.set(key, [...this.of(key), version]);
  }
}

/** The version that a response shows. */
export function versionIn(call: KeyedCall, outcome: Outcome): Version | undefined {
  if (outcome.type === 'remembered' && call.type === 'remember') {
    return { id: outcome.id, revision: outcome.revision, text: call.text };
  }
  return outcome.type === 'updated' || outcome.type === 'got' ? outcome.version : undefined;
}

// Written apart from the model, so that a mistake in one is not in the other.
class SimulatedStore {
  readonly #ofKey = new Map<string, Version>();
  #ids = 0;

  apply(key: string, call: KeyedCall): Outcome {
    const held = this.#ofKey.get(key);
    switch (call.type) {
      case 'remember': {
        const version = { id: held?.id ?? this.#newId(), revision: (held?.revision ?? 0) + 1, text: call.text };
        this.#ofKey.set(key, version);
        return { type: 'remembered', id: version.id, revision: version.revision, isNew: held === undefined };
      }
      case 'get':
        return { type: 'got', version: call.id === undefined || call.id === held?.id ? held : undefined };
      case 'update': {
        if (held?.id !== call.id) return { type: 'refused', code: 'NOT_FOUND' };
        if (isOutdated(call, held)) return { type: 'refused', code: 'REVISION_CONFLICT' };
        const version = { id: held.id, revision: held.revision + 1, text: call.text };
        this.#ofKey.set(key, version);
        return { type: 'updated', version };
      }
      case 'forget':
        if (held?.id !== call.id) return { type: 'forgotten', existed: false };
        if (isOutdated(call, held)) return { type: 'refused', code: 'REVISION_CONFLICT' };
        this.#ofKey.delete(key);
        return { type: 'forgotten', existed: true };
    }
  }

  #newId(): string {
    this.#ids += 1;
    return `m${this.#ids}`;
  }
}

function isOutdated(call: { readonly ifRevision?: number }, held: Version): boolean {
  return call.ifRevision !== undefined && call.ifRevision !== held.revision;
}
