/** One promise of a port, as a named check that throws when it is broken. Any test runner can run it. */
export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}
