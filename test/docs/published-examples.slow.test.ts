import { describe, expect, test } from 'vitest';
import { modelIsMissing } from '../embedding/model-folder';
import { pages } from '../house/examples';
import { examplesOf } from './pages';
import { runExample } from './run-example';

const examples = pages().flatMap(examplesOf);

describe('every example of the README and the guides runs', () => {
  test('there are examples in the README and in each guide that promises code', () => {
    const files = new Set(examples.map(({ file }) => file));
    for (const page of ['README.md', 'docs/access.md', 'docs/langgraph.md', 'docs/testing.md'])
      expect(files).toContain(page);
  });

  for (const example of examples) {
    const needsModel = example.code.includes('minilm()');
    const title = `${example.file}:${example.line}`;
    if (needsModel && modelIsMissing !== undefined) test.skip(`${title} (${modelIsMissing})`, () => undefined);
    else
      test(title, async () => {
        const { code, output } = await runExample(example);
        expect(output).not.toMatch(/Error|Warning/);
        expect(code, output).toBe(0);
      });
  }
});

test('an example that fails is reported with what it printed', async () => {
  const code = `import { MemoryStore } from 'multi-agent-memory';\nawait MemoryStore.open('');\n`;
  const ended = await runExample({ file: 'planted.md', line: 1, code });
  expect(ended.code).toBe(1);
  expect(ended.output).toContain('INVALID_INPUT');
});
