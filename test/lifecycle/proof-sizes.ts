/** The daily tests that `run.ts` also runs in a larger size. A test reads its size with `inject`. */
export const sizedTests = {
  holds: { file: 'test/state/holds.test.ts', title: 'are kept whole exactly' },
  histories: { file: 'test/lifecycle/histories.test.ts', title: 'random changes, also while' },
  undos: { file: 'test/lifecycle/histories.test.ts', title: 'undo restores' },
  lies: { file: 'test/consolidation/lying-server.test.ts', title: 'changes no memory' },
  graphs: { file: 'test/trust/derivation-graphs.test.ts', title: 'the trust in a random graph' },
  containments: { file: 'test/trust/containment.test.ts', title: 'containments' },
} as const;

export type SizedTest = keyof typeof sizedTests;

declare module 'vitest' {
  /** The sizes that were given to `run.ts`. */
  interface ProvidedContext extends Partial<Record<SizedTest, number>> {}
}
