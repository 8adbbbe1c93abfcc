import { MemoryError } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import type { StoreCluster } from '../../src/domain/cluster-membership';
import type { MemberChange } from '../../src/raft/node/raft-link';
import { answerJoinRequest, joinCluster, settleMember } from '../../src/store/cluster-joining';
import { refusal } from './stores';

const cluster = 'c'.repeat(32);
const configuration = { voters: [1, 2, 3], outgoing: [], learners: [], learnersNext: [], autoLeave: false };
const members: StoreCluster = { cluster, index: 7, configuration, addresses: { 1: 'a:1', 2: 'b:1', 3: 'c:1' } };

/** A member that notes each change, and finds these nodes at these addresses. */
function member(found: Readonly<Record<string, number>>) {
  const changes: MemberChange[] = [];
  const link = {
    id: 1,
    request: async (to: unknown) => {
      const node = found[(to as { address: string }).address];
      if (node === undefined) throw new MemoryError('STORE_UNREACHABLE', 'No answer.');
      return { node };
    },
    changeMembers: async (change: MemberChange) => {
      changes.push(change);
      return { ...members, addresses: { ...members.addresses, 9: 'd:1' } };
    },
  };
  const node = { link, membership: () => members } as unknown as Parameters<typeof answerJoinRequest>[0];
  return { changes, ask: (request: unknown) => answerJoinRequest(node, request) };
}

describe('a member that is asked to add a node', () => {
  test('adds it as a learner, if it answers at its address', async () => {
    const { changes, ask } = member({ 'd:1': 9 });
    expect(await ask({ join: { node: 9, address: 'd:1' } })).toMatchObject({ cluster, addresses: { 9: 'd:1' } });
    expect(changes).toEqual([{ kind: 'add', node: 9, address: 'd:1' }]);
  });

  test('removes the member that had its address, because another node answers there now', async () => {
    const { changes, ask } = member({ 'b:1': 9 });
    await ask({ join: { node: 9, address: 'b:1' } });
    expect(changes).toEqual([
      { kind: 'remove', node: 2 },
      { kind: 'add', node: 9, address: 'b:1' },
    ]);
  });

  test.each([
    ['nobody answers', {}, /where this node does not answer: No answer/],
    ['another node answers', { 'b:1': 2 }, /where another node answers/],
  ])('changes nothing if %s at the address', async (_, found, message) => {
    const { changes, ask } = member(found as Record<string, number>);
    const error = await refusal(() => ask({ join: { node: 9, address: 'b:1' } }));
    expect(error).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringMatching(message) });
    expect(error.issues[0]?.path).toEqual(['cluster', 'advertise']);
    expect(changes).toEqual([]);
  });

  test('says who it is, and refuses what it does not know', async () => {
    const { ask } = member({});
    expect(await ask({ who: true })).toEqual({ node: 1 });
    for (const request of [undefined, null, 'join', {}, { join: { node: 0, address: 'a' } }, { join: { node: 1 } }])
      expect(await refusal(() => ask(request))).toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('a node that joins', () => {
  const joining = { node: 9, address: 'd:1', join: ['a:1', 'b:1'], waitMs: 0 };

  test('asks the members in turn', async () => {
    const asked: string[] = [];
    const request = async ({ address }: { address: string }) => {
      asked.push(address);
      if (address === 'a:1') throw new MemoryError('STORE_UNREACHABLE', 'No answer.');
      return { cluster, addresses: {} };
    };
    expect(await joinCluster({ ...joining, request })).toMatchObject({ cluster });
    expect(asked).toEqual(['a:1', 'b:1']);
  });

  test('tells the last reason if none has added it in time, and asks no other if its address is wrong', async () => {
    const unreachable = async () => Promise.reject(new MemoryError('STORE_UNREACHABLE', 'No answer.'));
    expect(await refusal(() => joinCluster({ ...joining, request: unreachable }))).toMatchObject({
      code: 'NO_QUORUM',
      message: expect.stringContaining('b:1: No answer'),
    });
    let asked = 0;
    const wrong = async () => {
      asked++;
      throw new MemoryError('INVALID_INPUT', 'Wrong address.');
    };
    expect(await refusal(() => joinCluster({ ...joining, request: wrong }))).toMatchObject({ code: 'INVALID_INPUT' });
    expect(asked).toBe(1);
  });

  test('tells its address and asks for its vote until it has both', async () => {
    const asked: MemberChange[] = [];
    let now = { ...members, configuration: { ...configuration, learners: [9] }, addresses: { 9: 'old:1' } };
    const changeMembers = async (change: MemberChange) => {
      asked.push(change);
      if (asked.length === 1) now = { ...now, addresses: { 9: 'd:1' } };
      if (asked.length === 2) throw new MemoryError('INVALID_INPUT', 'Too far behind.');
      if (asked.length === 3) now = { ...now, configuration };
      return now;
    };
    const settle = (role: 'voter' | 'learner') =>
      settleMember({
        link: { id: 9, changeMembers },
        role,
        address: 'd:1',
        membership: () => now,
        signal: new AbortController().signal,
      });
    await settle('voter');
    expect(asked.map(({ kind }) => kind)).toEqual(['add', 'promote', 'promote']);
  });

  test('waits until it knows itself as a member, and asks for nothing if it never does', async () => {
    const asked: MemberChange[] = [];
    const ended = new AbortController();
    let now: StoreCluster = members;
    const changeMembers = async (change: MemberChange) => {
      asked.push(change);
      return now;
    };
    const options = {
      link: { id: 9, changeMembers },
      role: 'learner' as const,
      address: 'd:1',
      membership: () => now,
    };
    const removed = settleMember({ ...options, signal: ended.signal });
    const added = settleMember({ ...options, signal: new AbortController().signal });
    await new Promise((resolve) => setTimeout(resolve, 10));
    ended.abort();
    await removed;
    now = { ...members, addresses: { 9: 'old:1' }, configuration: { ...configuration, learners: [9] } };
    await expect.poll(() => asked.length).toBeGreaterThan(0);
    now = { ...now, addresses: { 9: 'd:1' } };
    await added;
    expect(asked[0]).toEqual({ kind: 'add', node: 9, address: 'd:1' });
  });
});
