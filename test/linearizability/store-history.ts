import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { allow, type Embedder, type Memory, MemoryError, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { Random } from '../faults/random';
import { HistoryRecorder, type KeyedCall, type Operation, type Outcome, type Version } from './history';
import { randomCall, SeenVersions } from './simulated-history';

/** The size of a history of a real store. */
export interface StoreHistoryOptions {
  readonly seed: number;
  readonly clients: number;
  readonly keys: number;
  readonly operationsPerClient: number;
}

/** Opens a store for histories: in memory, or in a folder. Its embedder takes random times, so that calls overlap inside the store. */
export function openForHistories(folder: string | undefined, seed: number): Promise<MemoryStore> {
  const options = { access: [allow('everyone', 'curator', [])], embedder: slowEmbedder(new Random(seed, 20)) };
  return folder === undefined ? MemoryStore.inMemory(options) : MemoryStore.open(folder, options);
}

/**
 * Lets several clients call one store at the same time, with random delays, and records the history. The seed decides the calls and the
 * delays, but not how they interleave.
 */
export async function storeHistory(store: MemoryStore, options: StoreHistoryOptions): Promise<readonly Operation[]> {
  const recorder = new HistoryRecorder();
  const seen = new SeenVersions();
  const client = async (number: number): Promise<void> => {
    const random = new Random(options.seed, number, 19);
    const name = `client-${number}`;
    const namespace = [`history-${options.seed}`];
    const handle = store.as({ agentId: name }, { namespace });
    for (let count = 1; count <= options.operationsPerClient; count++) {
      await pause(random);
      const key = `key-${random.whole(1, options.keys)}`;
      const call = randomCall(random, seen.of(key), `text-${number}-${count}`);
      const respond = recorder.invoke(name, key, call);
      const outcome = await outcomeOf(handle, { namespace, key }, call);
      respond(outcome);
      seen.add(key, call, outcome);
    }
  };
  await Promise.all(Array.from({ length: options.clients }, (_, index) => client(index + 1)));
  return recorder.history;
}

/** The names by which a memory is found without its id. */
interface MemoryName {
  readonly namespace: string[];
  readonly key: string;
}

/** Makes a keyed call on a handle. A refusal is an outcome only if the state of the memory can be its reason. */
export async function outcomeOf(
  handle: MemoryHandle,
  name: MemoryName,
  call: KeyedCall,
  consistency: 'session' | 'linearizable' = 'session',
): Promise<Outcome> {
  try {
    return await made(handle, name, call, consistency);
  } catch (error) {
    if (MemoryError.is(error) && (error.code === 'NOT_FOUND' || error.code === 'REVISION_CONFLICT')) {
      return { type: 'refused', code: error.code };
    }
    throw error;
  }
}

async function made(
  handle: MemoryHandle,
  name: MemoryName,
  call: KeyedCall,
  consistency: 'session' | 'linearizable',
): Promise<Outcome> {
  switch (call.type) {
    case 'remember': {
      const { id, revision, outcome } = await handle.remember(call.text, name);
      return { type: 'remembered', id, revision, isNew: outcome === 'stored' };
    }
    case 'update':
      return {
        type: 'updated',
        version: versionOf(await handle.update(call.id, { text: call.text }, conditionOf(call))),
      };
    case 'forget':
      return { type: 'forgotten', existed: await handle.forget(call.id, conditionOf(call)) };
    case 'get': {
      const memory = await handle.get(call.id ?? name, { consistency });
      return { type: 'got', version: memory && versionOf(memory) };
    }
  }
}

function conditionOf({ ifRevision }: { readonly ifRevision?: number }): { ifRevision?: number } {
  return ifRevision === undefined ? {} : { ifRevision };
}

function versionOf({ id, revision, text }: Memory): Version {
  return { id, revision, text };
}

async function pause(random: Random): Promise<void> {
  const share = random.share();
  if (share < 0.3) await delay(random.whole(0, 2));
  else if (share < 0.7) await turn();
}

/** Vectors that say nothing, after a random time: between the check of a write and its commit other calls take effect. */
function slowEmbedder(random: Random): Embedder {
  return {
    space: { model: 'slow', dimensions: 4, normalized: true },
    maxTokens: 1_000,
    async embedDocuments(texts) {
      await pause(random);
      return texts.map(() => Float32Array.of(1, 0, 0, 0));
    },
    async embedQuery() {
      return Float32Array.of(1, 0, 0, 0);
    },
  };
}
