/** Makes snapshots of a store, restores them, and purges the store, again and again, until it is killed. */
import { join } from 'node:path';
import { MemoryStore, restoreSnapshot } from 'multi-agent-memory';
import { say, task } from './said';

export interface SnapshotterTask {
  readonly folder: string;
  readonly to: string;
  readonly key: string;
}

const { folder, to, key } = task<SnapshotterTask>();
const store = await MemoryStore.open(folder);
say('open');
for (let i = 0; ; i++) {
  await store.admin.remember(`note ${i}`, { namespace: ['parcels'], embed: false });
  const options = i % 2 === 0 ? {} : { encryptionKey: key };
  const { path, changeSeq } = await store.snapshot(to, { keep: 3, ...options });
  say({ changeSeq });
  await store.purge();
  await restoreSnapshot(path, join(to, '..', `restored-${process.pid}-${i}`), options);
}
