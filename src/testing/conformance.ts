/** One promise of a port, as a test case for any test runner. */
export interface ConformanceCase {
  /** The promise, as the title of a test. */
  readonly name: string;
  /** Rejects if the implementation breaks the promise. */
  run(): Promise<void>;
}
