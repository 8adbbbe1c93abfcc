/** Owns a folder, and does what it is told. */
import { allow, deny, type MemoryStore, MemoryStore as Store } from '../../../src/index';

const folder = process.argv[2] ?? '';
let store: MemoryStore | undefined;

const deeds: Record<string, (text: string) => Promise<unknown>> = {
  open: async () => {
    store = await Store.open(folder, { access: [allow('everyone', 'curator', [])] });
  },
  remember: async (text) => store?.admin.remember(text, { namespace: ['support'], key: text }),
  update: async (text) => {
    const memory = await store?.admin.get({ namespace: ['support'], key: text });
    return store?.admin.update(memory?.id ?? '', { text: `${text} corrected`, tags: ['new'] });
  },
  forget: async (text) => {
    const memory = await store?.admin.get({ namespace: ['support'], key: text });
    return store?.admin.forget(memory?.id ?? '');
  },
  forbid: async () => {
    await (await Store.open(folder, { access: [deny('everyone', ['read'], [])] })).close();
  },
  close: async () => store?.close(),
};

process.on('message', async ({ deed, text }: { deed: string; text: string }) => {
  const answer = await deeds[deed]?.(text).catch((error: Error) => ({ error: error.message }));
  process.send?.({ answer });
});
