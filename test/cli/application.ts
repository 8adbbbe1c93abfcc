import { MemoryStore } from 'multi-agent-memory';

/** An application that keeps a store open until it is killed. */
const { folder, serve } = JSON.parse(process.argv[2] as string) as { folder: string; serve: boolean };
const store = await MemoryStore.open(folder, { serve });
const { id } = await store.admin.remember('The refund goes to the card.', { namespace: ['support'] });
console.log(JSON.stringify({ id }));
setInterval(() => undefined, 1_000);
