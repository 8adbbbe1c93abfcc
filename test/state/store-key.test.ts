import { describe, expect, test } from 'vitest';
import type { Command } from '../../src/domain/command';
import { root } from '../../src/domain/principal';
import { decodeFrame, encodeFrame } from '../../src/log/frame-codec';
import { storeKeyOf } from '../../src/state/tables/store-key';
import { agentA, contents, emptyState } from './test-state';

const stamp = { at: 0, by: root, scope: {}, seed: new Uint8Array(16) };

function bootstrap(byte: number, by = root, bytes = 32): Command {
  return { type: 'bootstrap', storeKey: new Uint8Array(bytes).fill(byte), stamp: { ...stamp, by } };
}

describe('the secret of a store', () => {
  test('is the same for all peers that apply the same commands', () => {
    const frame = { cluster: '0'.repeat(32), incarnation: { node: 1, start: 1 }, number: 1 };
    const bytes = encodeFrame({ ...frame, commands: [bootstrap(1)] });
    const peers = [emptyState(), emptyState()];
    for (const { state } of peers) state.apply(decodeFrame(bytes).commands);
    expect(peers.map(({ state }) => storeKeyOf(state))).toEqual([Buffer.alloc(32, 1), Buffer.alloc(32, 1)]);
    const [first, second] = peers.map(({ state }) => contents(state.database));
    expect(first).toEqual(second);
  });

  test('never changes, because stored digests were made with it', () => {
    const { state } = emptyState();
    const { outcomes } = state.apply([bootstrap(1), bootstrap(2)]);
    expect(outcomes).toEqual([
      { ok: true, type: 'bootstrap' },
      { ok: true, type: 'bootstrap' },
    ]);
    expect(storeKeyOf(state)).toEqual(Buffer.alloc(32, 1));
  });

  test('comes from the host only, and has 32 bytes', () => {
    const { state } = emptyState();
    const { outcomes } = state.apply([bootstrap(1, agentA), bootstrap(1, root, 31)]);
    expect(outcomes.map((outcome) => !outcome.ok && outcome.error.code)).toEqual(['FORBIDDEN', 'INVALID_INPUT']);
    expect(storeKeyOf(state)).toBeUndefined();
  });
});
