import { MemoryStore } from 'multi-agent-memory';

export const dynamic = 'force-dynamic';

let opening;

export async function GET() {
  // Not when the module is loaded: `next build` loads it too.
  opening ??= MemoryStore.open('./memory', { exactUpTo: 20 });
  const store = await opening;
  const degraded = [];
  store.on('degraded', ({ error }) => degraded.push(error.message));
  const texts = Array.from({ length: 60 }, (_, i) => ({ text: `Parcel ${i} left.`, namespace: ['a'] }));
  await store.admin.rememberMany(texts);
  await store.settled();
  const [{ text }] = await store.admin.recall('Parcel 33', { topK: 1 });
  return Response.json({ text, degraded });
}
