import { parse, parseAll } from '../domain/parse/parse';
import type { Embedder } from '../embedding/embedder';
import { pause, realTimers, startStopwatch } from '../environment/timers';
import { PausablePace } from '../reembedding/pace';
import { defaultBatchSize, type ReembedOptions, type ReembedResult } from '../reembedding/reembedding';
import type { SpaceMove } from '../reembedding/space-moves';
import type { AuditedCalls } from './audited-calls';
import { batched } from './composition/compose';
import type { Engine } from './composition/engine';
import type { Lifetime } from './lifetime';
import { embedderShape } from './open-options';

/** A store on its way to another embedding space. Resolves when searches use it. */
export type Reembedding = Promise<ReembedResult> & {
  /** Begins no more texts until it is resumed. Reads and writes go on. */
  pause(): void;
  resume(): void;
  /**
   * Gives it up: it rejects with an AbortError, and what was made in the new space is dropped, unless the store came from there. To
   * stop and go on later with another call, abort the signal instead. Where the store has switched already, nothing happens: see
   * `rollback`.
   */
  cancel(): Promise<void>;
};

/** Whose store it is. */
export interface Host {
  readonly engine: Engine;
  readonly lifetime: Lifetime;
  readonly calls: AuditedCalls;
}

/** Starts the way to the space of an embedder. */
export function reembed(host: Host, embedder: Embedder, options: ReembedOptions): Reembedding {
  return start(host, 'reembed', () => {
    const { reembedOptions: shape } = host.engine.shapes;
    const [given, other] = parseAll([shape, options], [embedderShape, embedder, ['embedder']]);
    return [given, (move) => host.engine.moves.reembed(batched(other), move)];
  });
}

/** Starts the way back to the space before. */
export function rollback(host: Host, options: ReembedOptions): Reembedding {
  return start(host, 'rollback', () => {
    const given = parse(host.engine.shapes.reembedOptions, options, 'options');
    return [given, (move) => host.engine.moves.rollback(move)];
  });
}

type Given = { readonly [K in keyof ReembedOptions]: ReembedOptions[K] | undefined };
type Prepared = readonly [given: Given, run: (move: SpaceMove) => Promise<ReembedResult>];

function start(host: Host, action: string, prepare: () => Prepared): Reembedding {
  const cancelling = new AbortController();
  const pace = new PausablePace({
    elapsedMs: startStopwatch(),
    // A program that waits for nothing else must not end in the middle.
    pause: (ms, signal) => pause(ms, signal, { keepsAlive: true, timers: realTimers }),
  });
  const moved = host.calls.write(action, async () => {
    host.engine.writing();
    const [{ signal, maxPerSecond, batchSize = defaultBatchSize, onProgress }, run] = prepare();
    const signals = [signal, host.lifetime.ended, cancelling.signal].filter((each) => each !== undefined);
    if (maxPerSecond !== undefined) pace.limit(maxPerSecond);
    return run({ batchSize, pace, signal: AbortSignal.any(signals), onProgress });
  });
  const cancel = async () => {
    cancelling.abort(new DOMException('The move to another embedding space was cancelled.', 'AbortError'));
    const ended = await moved.then(
      () => 'done',
      () => 'broken off',
    );
    if (ended === 'done') return;
    await host.calls.write('reembed', () => host.engine.moves.dropNext(host.lifetime.ended));
  };
  return Object.assign(moved, { pause: () => pace.pause(), resume: () => pace.resume(), cancel });
}
