import { parse, parseAll } from '../domain/parse/shapes';
import type { Embedder } from '../embedding/embedder';
import { pause, realTimers, startStopwatch } from '../environment/timers';
import { PausablePace } from '../reembedding/pace';
import { defaultBatchSize, type ReembedOptions, type ReembedResult } from '../reembedding/reembedding-run';
import type { MoveOptions, SpaceSwitch } from '../reembedding/space-switch';
import type { AuditedCalls } from './audited-calls';
import type { CallShapes } from './call-shapes';
import { batched } from './composition/compose';
import type { MemoryShares } from './composition/memory-shares';
import type { Lifetime } from './lifetime';
import { embedderShape } from './open-options';

/** A store that moves to another embedding space. Resolves when searches use that space. */
export type Reembedding = Promise<ReembedResult> & {
  /** Starts no more texts until `resume`. Reads and writes go on. */
  pause(): void;
  resume(): void;
  /**
   * Gives the move up. The call rejects with an AbortError, and the vectors that were made in the new space are dropped, unless the
   * store came from that space. Does nothing if the store has switched already: see `rollback`. To stop and continue later with
   * another call, abort the signal instead.
   */
  cancel(): Promise<void>;
};

/** The parts of a store that are needed to move it to another embedding space. */
export interface MovableStore {
  readonly engine: {
    readonly shapes: Pick<CallShapes, 'reembedOptions'>;
    readonly memoryShares: Pick<MemoryShares, 'embeddings'>;
    readonly spaces: Pick<SpaceSwitch, 'reembed' | 'rollback' | 'dropNext'>;
    /** @throws STORE_READ_ONLY */
    writing(): unknown;
  };
  readonly lifetime: Lifetime;
  readonly calls: AuditedCalls;
}

/** Starts the move to another embedding space: all memories get new vectors from the given embedder. */
export function reembed(store: MovableStore, embedder: Embedder, options: ReembedOptions): Reembedding {
  const { shapes, spaces, memoryShares } = store.engine;
  return startMove(store, 'reembed', () => {
    const [given, target] = parseAll([shapes.reembedOptions, options], [embedderShape, embedder, ['embedder']]);
    return { given, run: (move) => spaces.reembed(batched(target, memoryShares.embeddings), move) };
  });
}

/** Starts the move back to the previous embedding space. */
export function rollback(store: MovableStore, options: ReembedOptions): Reembedding {
  const { shapes, spaces } = store.engine;
  return startMove(store, 'rollback', () => {
    return { given: parse(shapes.reembedOptions, options, 'options'), run: (move) => spaces.rollback(move) };
  });
}

interface PreparedMove {
  readonly given: { readonly [K in keyof ReembedOptions]: ReembedOptions[K] | undefined };
  run(options: MoveOptions): Promise<ReembedResult>;
}

function startMove(store: MovableStore, action: string, prepare: () => PreparedMove): Reembedding {
  const { engine, lifetime, calls } = store;
  const cancelling = new AbortController();
  const pace = new PausablePace({
    elapsedMs: startStopwatch(),
    // The timer keeps the process alive, because a program that waits only for the move must not exit during it.
    pause: (ms, signal) => pause(ms, signal, { keepsAlive: true, timers: realTimers }),
  });
  const moved = calls.write(action, async () => {
    engine.writing();
    const { given, run } = prepare();
    const { signal, maxPerSecond, batchSize = defaultBatchSize, onProgress } = given;
    const signals = [signal, lifetime.ended, cancelling.signal].filter((each) => each !== undefined);
    if (maxPerSecond !== undefined) pace.limit(maxPerSecond);
    return run({ batchSize, pace, signal: AbortSignal.any(signals), onProgress });
  });
  const cancel = async () => {
    cancelling.abort(new DOMException('The move to another embedding space was cancelled.', 'AbortError'));
    const hasSwitched = await moved.then(
      () => true,
      () => false,
    );
    if (!hasSwitched) await calls.write('reembed', () => engine.spaces.dropNext(lifetime.ended));
  };
  return Object.assign(moved, { pause: () => pace.pause(), resume: () => pace.resume(), cancel });
}
