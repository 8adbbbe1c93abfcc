import ts from 'typescript';
import { expect, test } from 'vitest';
import { librarySources, parse, placeOf, type Source, walk } from '../house/sources';

// What would make two runs of the core differ, or would let it do more than compute. `test/house` checks clocks and imports, too.
const impure = new Set([
  'Promise',
  'Date',
  'process',
  'Buffer',
  'globalThis',
  'crypto',
  'performance',
  'queueMicrotask',
]);

function impurities(sources: readonly Source[]): readonly string[] {
  return sources.flatMap((source) => {
    const found: string[] = [];
    walk(parse(source), (node) => {
      const isName = ts.isIdentifier(node) && impure.has(node.text);
      const isRandom = ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random';
      const waits = node.kind === ts.SyntaxKind.AsyncKeyword || ts.isAwaitExpression(node);
      if (isName || isRandom || waits) found.push(`${placeOf(node)}: ${node.getText()}`);
    });
    return found;
  });
}

test('the core waits for nothing, and reads neither clock nor chance', () => {
  const core = librarySources().filter(({ path }) => path.startsWith('raft/core/'));
  expect(core.length).toBeGreaterThan(20);
  expect(impurities(core)).toEqual([]);
});

test.each(['async function f() {}', 'const t = Date.now();', 'const r = Math.random();', 'let p: Promise<void>;'])(
  'a planted impurity is reported: %s',
  (text) => {
    expect(impurities([{ path: 'raft/core/a.ts', text }])).not.toEqual([]);
  },
);
