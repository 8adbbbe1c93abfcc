import { describe, expect, test } from 'vitest';
import { exampleProblems, examplesIn, publishedExamples } from './examples';

describe('the examples that users read compile', () => {
  test('every example of the README and of the doc comments', () => {
    const examples = publishedExamples();
    expect(examples.map(({ file }) => file)).toContain('README.md');
    expect(exampleProblems(examples)).toEqual([]);
    // The types of the frameworks are large.
  }, 120_000);

  test('a planted mistake is reported with its position', () => {
    const text = [
      '/**',
      ' * Text.',
      ' * ```ts',
      ` * import { join } from 'node:path';`,
      ' * join(5);',
      ' * ```',
      ' */',
    ];
    expect(exampleProblems(examplesIn('src/planted.ts', text.join('\n')))).toEqual([
      expect.stringMatching(/^src\/planted\.ts:5: .*not assignable/),
    ]);
  });

  test('a block without imports continues the previous block', () => {
    const text =
      '# Title\n```ts\nimport { join } from "node:path";\nconst a = 5;\n```\nText.\n```ts\njoin(a);\n```\n```ts\nimport "node:fs";\n```\n';
    const examples = examplesIn('README.md', text);
    expect(examples).toHaveLength(2);
    expect(exampleProblems(examples)).toEqual([expect.stringMatching(/^README\.md:8: .*not assignable/)]);
  });

  test('blocks in other languages are not compiled', () => {
    expect(examplesIn('README.md', '```sh\nnpm ci\n```\n')).toEqual([]);
  });
});
