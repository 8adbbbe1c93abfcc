/** Opens a folder on command, reports the result, and then runs commands until it ends. */
import { createInterface } from 'node:readline';
import { MemoryError, MemoryStore } from 'multi-agent-memory';
import { say, task } from './said';

export interface HolderTask {
  readonly folder: string;
}

export type HolderLine =
  | { readonly say: 'ready' | 'open' | 'closed' }
  | { readonly say: 'refused'; readonly code: string; readonly message: string }
  | { readonly say: 'ack'; readonly id: string };

const { folder } = task<HolderTask>();
const tell = (line: HolderLine) => say(line);
let store: MemoryStore | undefined;

async function open(): Promise<void> {
  try {
    store = await MemoryStore.open(folder);
    tell({ say: 'open' });
  } catch (error) {
    tell({ say: 'refused', code: MemoryError.is(error) ? error.code : 'none', message: String(error) });
  }
}

async function write(): Promise<void> {
  for (let i = 0; store !== undefined; i++) {
    const { id } = await store.admin.remember(`Parcel ${i} left the warehouse.`, { namespace: ['parcels'] });
    tell({ say: 'ack', id });
  }
}

async function close(): Promise<void> {
  const closing = store;
  store = undefined;
  await closing?.close();
  tell({ say: 'closed' });
}

const orders: Record<string, () => Promise<void>> = { open, write, close };
const input = createInterface({ input: process.stdin });
input.on('line', (order) => void orders[order]?.());
tell({ say: 'ready' });
