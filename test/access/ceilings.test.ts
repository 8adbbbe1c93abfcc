import {
  allow,
  type Ceiling,
  ceiling,
  type Declaration,
  group,
  type Memory,
  MemoryStore,
  type Principal,
  type Trust,
} from 'multi-agent-memory';
import { afterEach, describe, expect, it } from 'vitest';
import { Policy } from '../../src/access/policy';
import type { Actor } from '../../src/domain/principal';
import { trustOfLevel } from '../../src/domain/trust';

const stores: MemoryStore[] = [];

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

async function storeWith(...access: Declaration[]): Promise<MemoryStore> {
  const store = await MemoryStore.inMemory({ access: [allow('everyone', 'curator', []), ...access] });
  stores.push(store);
  return store;
}

function policyOf(...declarations: Declaration[]): Policy {
  return Policy.of(
    1,
    declarations.map((declaration, i) => ({ id: `rule-${i}`, declaration, atOpen: true, since: 0 })),
  );
}

const crawler: Actor = { party: { kind: 'agent', id: 'crawler' } };
const crawlerForAnn: Actor = { ...crawler, onBehalfOf: { kind: 'user', id: 'ann' } };

describe('the ceiling of an actor', () => {
  const of = (policy: Policy, actor: Actor, ...namespace: string[]) => trustOfLevel(policy.ceilingOf(actor, namespace));

  it("is 'standard' without a declaration, and 'verified' for the host", () => {
    const policy = policyOf();
    expect([of(policy, crawler), of(policy, crawlerForAnn), of(policy, { party: 'root' })]).toEqual([
      ...['standard', 'standard', 'verified'],
    ]);
  });

  it('holds in its namespace and below, label by label', () => {
    const policy = policyOf(ceiling({ agentId: 'crawler' }, 'reported', ['web']));
    expect([of(policy, crawler, 'web', 'news'), of(policy, crawler, 'web'), of(policy, crawler, 'website')]).toEqual([
      ...['reported', 'reported', 'standard'],
    ]);
  });

  it('is the lowest of those of the principal, its groups and everyone', () => {
    const bots = group('bots', [{ agentId: 'crawler' }]);
    const own = ceiling({ agentId: 'crawler' }, 'verified', []);
    expect(of(policyOf(own), crawler)).toBe('verified');
    expect(of(policyOf(own, bots, ceiling({ group: 'bots' }, 'reported', ['a'])), crawler, 'a')).toBe('reported');
    expect(of(policyOf(own, ceiling('everyone', 'untrusted', [])), crawler, 'a')).toBe('untrusted');
  });

  it('is the lower one of the two parties of an agent that acts for a user', () => {
    const policy = policyOf(
      ceiling({ userId: 'ann' }, 'reported', []),
      ceiling({ agentId: 'crawler' }, 'verified', []),
    );
    expect([of(policy, crawler), of(policy, crawlerForAnn)]).toEqual(['verified', 'reported']);
  });

  it('follows a change of the declarations', () => {
    const before = policyOf();
    const stored = { id: 'x', declaration: ceiling('everyone', 'untrusted', []), atOpen: false, since: 0 };
    const after = before.changed(2, [stored], []);
    expect([of(before, crawler), of(after, crawler), of(after.changed(3, [], ['x']), crawler)]).toEqual([
      ...['standard', 'untrusted', 'standard'],
    ]);
  });
});

it("the ceiling of a channel is 'reported' for content that others said, and none for the rest", () => {
  const channels = ['user', 'agent', 'tool', 'document', 'import', 'consolidation'] as const;
  const policy = policyOf(
    ceiling({ channel: 'tool' }, 'standard', ['ops']),
    ceiling({ channel: 'agent' }, 'untrusted', ['ops']),
  );
  const of = (namespace: string[]) => channels.map((each) => trustOfLevel(policy.channelCeiling(each, namespace)));
  expect(of([])).toEqual(['verified', 'verified', 'reported', 'reported', 'reported', 'verified']);
  expect(of(['ops'])).toEqual(['verified', 'untrusted', 'standard', 'reported', 'reported', 'verified']);
});

it('ceilings that apply to the same memories have the same text, whatever their order', () => {
  const [one, other] = [ceiling('everyone', 'reported', ['a']), ceiling({ channel: 'tool' }, 'untrusted', [])];
  expect(policyOf(one, other).ceilingsText).toBe(policyOf(other, one).ceilingsText);
  expect(policyOf(one).ceilingsText).not.toBe(policyOf(one, other).ceilingsText);
  expect(policyOf(allow('everyone', 'reader', [])).ceilingsText).toBe('');
  const grouped = (...members: { agentId: string }[]) =>
    policyOf(group('g', members), ceiling({ group: 'g' }, 'reported', [])).ceilingsText;
  expect(grouped({ agentId: 'a' })).not.toBe(grouped({ agentId: 'a' }, { agentId: 'b' }));
});

it('rejects a ceiling with an unknown level, subject or channel, with every issue at once', async () => {
  const store = await storeWith();
  const wrong = [{ channel: 'telepathy' }, 'great', ['a', '']] as unknown as [Ceiling['to'], Trust, string[]];
  const error = await store.admin.access.ceiling(...wrong).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'INVALID_INPUT' });
  expect(error.issues.map(({ path }: { path: string[] }) => path[0]).sort()).toEqual(['at', 'ceiling', 'to']);
});

describe('the trust of a memory', () => {
  async function trustOf(store: MemoryStore, who: Principal | 'root', source?: Memory['source']): Promise<Trust> {
    const handle = who === 'root' ? store.admin : store.as(who);
    const { id } = await handle.remember('The well is deep.', { namespace: ['a'], ...(source && { source }) });
    const [found] = (await store.admin.list()).items.filter((each) => each.id === id);
    return (found as Memory).trust;
  }

  it('is the lowest of the ceilings of its author and of its channel', async () => {
    const store = await storeWith(
      ceiling({ agentId: 'scout' }, 'reported', []),
      ceiling({ userId: 'boss' }, 'verified', []),
    );
    expect(await trustOf(store, { agentId: 'ann' })).toBe('standard');
    expect(await trustOf(store, { agentId: 'ann' }, { channel: 'tool' })).toBe('reported');
    expect(await trustOf(store, { agentId: 'scout' })).toBe('reported');
    expect(await trustOf(store, { userId: 'boss' })).toBe('verified');
    expect(await trustOf(store, { agentId: 'scout', onBehalfOf: { userId: 'boss' } })).toBe('reported');
    expect(await trustOf(store, 'root')).toBe('verified');
    expect(await trustOf(store, 'root', { channel: 'import' })).toBe('reported');
  });

  it('follows a ceiling that is added or ended later', async () => {
    const store = await storeWith();
    const ann = store.as({ agentId: 'ann' });
    const { id } = await ann.remember('The well is deep.', { namespace: ['a'] });
    const added = await store.admin.access.ceiling({ agentId: 'ann' }, 'reported', ['a']);
    expect((await ann.get(id))?.trust).toBe('reported');
    await store.admin.access.end(added.id);
    expect((await ann.get(id))?.trust).toBe('standard');
  });

  it('comes with the origin of the memory', async () => {
    const store = await storeWith();
    const handle = store.as({ agentId: 'ann', onBehalfOf: { userId: 'ida' } });
    const { id } = await handle.remember('The well is deep.', {
      namespace: ['a'],
      source: { channel: 'document', ref: 'well.pdf' },
    });
    expect((await handle.get(id))?.origin).toEqual({
      ...{ agentId: 'ann', onBehalfOf: 'ida', channel: 'document', ref: 'well.pdf' },
    });
  });
});

describe('who may change ceilings', () => {
  const admin = { agentId: 'admin' };
  const administrator = allow(admin, 'administrator', ['a']);

  it('an administrator adds and ends ceilings of others that are not above its own', async () => {
    const { access } = (await storeWith(administrator)).as(admin);
    const added = await access.ceiling({ agentId: 'scout' }, 'untrusted', ['a', 'b']);
    expect(added).toMatchObject({ ceiling: 'untrusted', to: { agentId: 'scout' }, at: ['a', 'b'], declared: false });
    expect(await access.end(added.id)).toBe(true);
    await expect(access.ceiling({ agentId: 'scout' }, 'verified', ['a'])).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(access.ceiling({ agentId: 'scout' }, 'untrusted', ['c'])).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('nobody but the host lifts a ceiling off itself, directly or by leaving a group', async () => {
    const store = await storeWith(allow(admin, 'administrator', []));
    const { access } = store.as(admin);
    const { id } = await store.admin.access.ceiling('everyone', 'standard', []);
    await store.admin.access.group('bots', [admin]);
    await store.admin.access.ceiling({ group: 'bots' }, 'standard', []);
    await expect(access.end(id)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(access.group('bots', [])).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await store.admin.access.end(id)).toBe(true);
  });

  it('a principal whose own ceiling is low changes no ceiling', async () => {
    const { access } = (await storeWith(administrator, ceiling(admin, 'reported', []))).as(admin);
    await expect(access.ceiling({ agentId: 'scout' }, 'untrusted', ['a'])).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});
