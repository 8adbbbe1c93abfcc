import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { MemoryStore } from 'multi-agent-memory';
import { serveStdio } from 'multi-agent-memory/mcp';
import { expect, test } from 'vitest';
import { clientInfo } from './test-client';

test('many answers that the client has not read yet cause no warning, and all arrive', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on('warning', onWarning);
  await using store = await MemoryStore.inMemory();
  const input = new PassThrough();
  const output = new PassThrough({ highWaterMark: 1 });
  const { closed } = await serveStdio(store.admin, { input, output });
  const send = (message: object) => input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  send({ id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } });
  for (let id = 1; id <= 30; id++) send({ id, method: 'ping' });
  input.end();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const answers = text(output);
  await closed;
  output.end();
  const ids = (await answers)
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { id: number }).id);
  expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: 31 }, (_, id) => id));
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
});
