import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repository } from '../house/sources';
import { retold } from './story';

// Courses that the core takes, told so that a person can follow them. After a change that is meant, `RAFT_STORIES=write npx vitest run
// --config test/vitest.config.ts test/raft/stories.test.ts` writes them anew: read the difference before you commit it.
const folder = join(repository, 'test/raft/transcripts');
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .sort();
const isWriting = process.env.RAFT_STORIES === 'write';

test('there is a story for each thing that a cluster goes through', () => {
  const topics = [
    'conflicting-tail',
    'election',
    'joint-change',
    'lost-leader',
    'read-lease',
    'read',
    'snapshot',
    'transfer',
  ];
  expect(names).toEqual(topics.map((topic) => `${topic}.txt`));
});

test.each(names)('%s happens as it is told', (name) => {
  const path = join(folder, name);
  const story = readFileSync(path, 'utf8');
  const now = retold(story);
  if (isWriting) writeFileSync(path, now);
  else expect(now).toBe(story);
});

test('a story that tells something else is noticed', () => {
  const story = readFileSync(join(folder, 'election.txt'), 'utf8');
  expect(retold(story.replace('2 to 1: yes.', '2 to 1: no.'))).toBe(story);
});
