import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CallPath } from './measure';

const program = fileURLToPath(new URL('run.ts', import.meta.url));
const maxPathBytes = 2 ** 20;

// The files that one warm call may run. Lower a limit when a merge makes a path shorter. Values of other realms took a file of each call.
// The scan of signs shares the memory of its kernel with the scan of bytes, and ranking in RAM is apart from the formula of the score: two
// more files of a recall. So are the pages of the keyword index and the segments that have them. The normal form of names is one more file of
// a write, and so are the lists of rows of each user, session and tag. Both calls ask sqlite/commit-sync.ts whether what they tell is on disk.
// A recall asks store/read-levels.ts whether it may begin. The table of English words is apart from the general way of the analyzer,
// and the parser of usual memories from their schema, whose code was zod's and not counted.
// The trust of a memory is one more idea of both calls, with its levels, and the tables of what a memory was made from and who changed it.
// Checksums are apart from records, because names have them, too.
// So is the table of who vouches for what.
// Ceilings are looked up by numbers, and the least trust of a read is a question of access.
// How runs of joined words are split, and how letters are folded, are apart from the analyzer, which a query always asks.
// The limit on hits of one source is an idea of its own, and loading hits is apart from finding rows.
// A question is looked through for words that name a time.
// Keeping the best scores serves both rankings, with and without sessions. The lists of rows tell whether there are any.
// So is the language of a text, and so are the forms of its words in that language. A write splits and folds a joined word, such as e-mail,
// unless it is in the cache.
// Which memories become hits, and whether two say the same, are ideas of a recall. Other folders compare what texts state, too.
const maxFiles = { remember: 67, recall: 73 };

// In a process of its own: coverage of this one would include what the test runner has transformed.
async function measureInChild(): Promise<Record<keyof typeof maxFiles, CallPath>> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program, '--json'], {
    maxBuffer: maxPathBytes,
  });
  return JSON.parse(stdout);
}

describe('the source files that one warm call runs', () => {
  let paths: Awaited<ReturnType<typeof measureInChild>>;
  beforeAll(async () => {
    paths = await measureInChild();
  });

  test.each(['remember', 'recall'] as const)('%s runs no more files than its limit', (call) => {
    const { files } = paths[call];
    // Names in place of a number, so that a failure shows the path.
    expect(files.length, files.join('\n')).toBeLessThanOrEqual(maxFiles[call]);
    // An empty measurement would pass every limit.
    expect(files).toContain('state/state-store.ts');
    expect(files).toContain(`${call === 'remember' ? 'write' : 'recall'}/${call}.ts`);
  });
});
