import { MemoryStore } from 'multi-agent-memory';
import { jetStream } from 'multi-agent-memory/jetstream';
import { expect, test, vi } from 'vitest';
import { refusal, temporaryFolder } from '../store/stores';

vi.mock('@nats-io/transport-node', () => {
  throw new Error("Cannot find package '@nats-io/transport-node'");
});

test('without the clients of NATS, `open` says what to install', async () => {
  const log = jetStream({ servers: '127.0.0.1:4222', stream: 'memory' });
  const folder = await temporaryFolder();
  expect(await refusal(() => MemoryStore.open(folder, { log }))).toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining('npm install @nats-io/transport-node'),
  });
});
