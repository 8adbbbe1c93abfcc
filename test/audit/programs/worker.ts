/** Writes and reads until it is killed; with readOnly, reads on command. Sends a message after each answer. */
import { allow, MemoryStore } from '../../../src/index';

const [folder = '', reads = 'batched', readOnly = ''] = process.argv.slice(2);
const audit = { reads: reads as 'batched' | 'durable' };
const options = readOnly === '' ? { access: [allow({ agentId: 'a' }, 'curator', ['x'])] } : { readOnly: true };
const store = await MemoryStore.open(folder, { ...options, audit });
const a = store.as({ agentId: 'a' }, { namespace: ['x'] });

async function work(): Promise<void> {
  for (let i = 0; ; i++) {
    const { id } = await a.remember(`Note ${i}.`, { embed: false });
    process.send?.({ wrote: id });
    await Promise.all([a.get(id), a.get(id)]);
    process.send?.({ read: id });
  }
}

async function readAll(): Promise<void> {
  for await (const { id } of a.list()) {
    await a.get(id);
    process.send?.({ read: id });
  }
}

process.on('message', async (command) => {
  if (command === 'close') {
    await store.close();
    process.send?.('closed');
    process.disconnect();
  }
  if (command === 'read') await readAll().then(() => process.send?.('done'));
});
process.send?.('open');
if (readOnly === '') void work();
