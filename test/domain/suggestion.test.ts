import { describe, expect, test } from 'vitest';
import { suggestionFor } from '../../src/domain/suggestion';
import { openInMemory, refusal } from '../store/stores';

const namespace = ['support'];

async function suggestedBy(call: () => unknown): Promise<(string | undefined)[]> {
  const { issues } = await refusal(call);
  return issues.map(({ message }) => /did you mean "(.*?)"\?/.exec(message)?.[1]);
}

describe('the error about an unknown field suggests the field that was meant', () => {
  test.each([
    ...['limit', 'k', 'n', 'top_k', 'count', 'max_results', 'topk'].map((word) => [word, 'topK']),
    ...['minScore', 'score_threshold', 'min_score', 'similarity_threshold', 'treshold'].map((word) => [
      word,
      'threshold',
    ]),
    ...['where', 'filters', 'fliter'].map((word) => [word, 'filter']),
    ...['user_id', 'user', 'UserID'].map((word) => [word, 'userId']),
    ...['agent_id', 'agent'].map((word) => [word, 'agentId']),
    ...['thread_id', 'run_id', 'session'].map((word) => [word, 'sessionId']),
    ...['as_of', 'date'].map((word) => [word, 'asOf']),
    ['ns', 'namespace'],
    ['embedding', 'vector'],
  ])('in the options of recall: %s -> %s', async (word, name) => {
    const { admin } = await openInMemory();
    expect(await suggestedBy(() => admin.recall('text', { [word as string]: 1 } as never))).toEqual([name]);
  });

  test.each([
    ['content', 'text'],
    ['value', 'text'],
    ['valid_from', 'validFrom'],
    ['ttl', 'expiresAt'],
    ['expires_at', 'expiresAt'],
    ['importance', 'priority'],
    ['access_tags', 'accessTags'],
    ['category', 'kind'],
    ['id', 'key'],
  ])('in a memory: %s -> %s', async (word, name) => {
    const { admin } = await openInMemory();
    const { results } = await admin.rememberMany([{ namespace, text: 'text', [word as string]: 'x' } as never]);
    const [result] = results;
    expect(await suggestedBy(() => Promise.reject(result?.ok === false && result.error))).toEqual([name]);
  });

  test.each([
    ['top_k', 'limit'],
    ['page', 'cursor'],
    ['sort', 'orderBy'],
  ])('in the options of list: %s -> %s', async (word, name) => {
    const { admin } = await openInMemory();
    expect(await suggestedBy(() => admin.list({ [word]: 1 } as never))).toEqual([name]);
  });

  test.each([
    [{ $or: [] }, 'or'],
    [{ user_id: 'x' }, 'userId'],
    [{ priority: { $gt: 1 } }, 'gt'],
    [{ kind: { not_in: [] } }, 'nin'],
    [{ key: { like: 'x' } }, 'contains'],
  ])('in a filter: %j -> %s', async (filter, name) => {
    const { admin } = await openInMemory();
    expect(await suggestedBy(() => admin.count({ filter: filter as never }))).toEqual([name]);
  });
});

test('a name in snake case, kebab case or capitals leads to a suggestion of the known name', () => {
  const known = ['topK', 'userId', 'minScore', 'ifRevision', 'onBehalfOf', 'as-of', 'top-n'];
  for (const name of known) {
    const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    for (const written of [snake, snake.replaceAll('_', '-'), name.toUpperCase()])
      expect([written, suggestionFor(written, known)]).toEqual([written, name]);
  }
});

test('a word that resembles no field leads to no suggestion', async () => {
  const { admin } = await openInMemory();
  const { message } = await refusal(() => admin.recall('text', { colour: 'red' } as never));
  expect(message).toMatch(/^Invalid colour: unknown field "colour"\. Known fields: namespace, userId, /);
});
