import { MemoryStore, type OpenOptions } from 'multi-agent-memory';
import { type JetStreamOptions, jetStream } from 'multi-agent-memory/jetstream';
import { expect, test } from 'vitest';
import { refusal, temporaryFolder } from '../store/stores';

const valid: JetStreamOptions = { servers: ['127.0.0.1:4222'], stream: 'memory' };

test.each<[string, object, RegExp]>([
  ['no server', { servers: [] }, /at least one address/],
  ['an address without a port', { servers: 'localhost' }, /expected an address/],
  ['a stream whose name has a dot', { stream: 'a.b' }, /letters, digits/],
  ['two ways to prove who it is', { credentials: { token: 'x', creds: 'y' } }, /\{ user, pass \}/],
  ['a user without a password', { credentials: { user: 'x' } }, /\{ user, pass \}/],
  ['an even number of replicas', { replicas: 2 }, /1, 3 or 5/],
  ['another machine without TLS', { servers: ['10.0.0.1:4222'] }, /without `tls`/],
  ['an option that does not exist', { server: 'x' }, /server/],
])('%s is refused', (_, change, message) => {
  expect(() => jetStream({ ...valid, ...change } as JetStreamOptions)).toThrow(message);
});

test('another machine with TLS and each kind of credentials is accepted', () => {
  const credentials = [{ user: 'x', pass: 'y' }, { token: 'x' }, { creds: 'x' }, { creds: new Uint8Array(1) }];
  for (const each of credentials)
    expect(jetStream({ ...valid, servers: '10.0.0.1:4222', tls: {}, credentials: each }).waitMs).toBe(5_000);
});

test('a log is refused together with a cluster, for a read-only store and for one in memory', async () => {
  const log = jetStream(valid);
  const folder = await temporaryFolder();
  const cluster: OpenOptions['cluster'] = { listen: { host: '127.0.0.1', port: 7411 }, secret: 'only for this test' };
  for (const open of [
    () => MemoryStore.open(folder, { log, cluster }),
    () => MemoryStore.open(folder, { log, readOnly: true }),
    () => MemoryStore.inMemory({ log }),
  ])
    expect(await refusal(open)).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('log') });
});

test('servers that do not answer are NO_QUORUM, and the folder can be used afterwards', async () => {
  const folder = await temporaryFolder();
  const log = jetStream({ ...valid, servers: '127.0.0.1:9', waitMs: 300 });
  expect(await refusal(() => MemoryStore.open(folder, { log }))).toMatchObject({ code: 'NO_QUORUM', retryable: true });
  const alone = await MemoryStore.open(folder);
  await alone.close();
});
